//! How long a request's head may take. hyper has one timer for an idle connection and a slow head;
//! we want 75 s for the first and 10 s for the second, so this stream starts the shorter one at
//! the first byte. It also ends a connection whose client takes nothing of its answer for as long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep},
};

const IDLE: u8 = 0;
const HEADING: u8 = 1;
const BUSY: u8 = 2;

/// What a connection is doing; shared by its stream and its requests.
pub(super) struct Pace(AtomicU8);

impl Pace {
    pub(super) const fn new() -> Self {
        Self(AtomicU8::new(IDLE))
    }

    /// The head is read; the handler works.
    pub(super) fn head_complete(&self) {
        self.0.store(BUSY, Ordering::Release);
    }

    /// The answer is made; the connection may idle.
    pub(super) fn answered(&self) {
        self.0.store(IDLE, Ordering::Release);
    }

    fn heading(&self) -> bool {
        self.0.load(Ordering::Acquire) == HEADING
    }

    /// Bytes came while idle: a head begins. True where this is news.
    fn bytes_came(&self) -> bool {
        self.0.compare_exchange(IDLE, HEADING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A stream that fails when a head takes too long.
pub(super) struct Paced<S> {
    stream: TokioIo<S>,
    pace: Arc<Pace>,
    head: Duration,
    deadline: Pin<Box<Sleep>>,
    /// Runs while the client takes nothing of what it asked for.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Nothing came yet: a new connection owes its first head at once and may not idle.
    silent: bool,
}

impl<S> Paced<S> {
    /// `head`: from the first byte of a head to its end.
    pub(super) fn new(stream: S, pace: Arc<Pace>, head: Duration) -> Self {
        let deadline = Box::pin(tokio::time::sleep(head));
        Self { stream: TokioIo::new(stream), pace, head, deadline, stalled: None, silent: true }
    }

    /// An answer that nobody takes may wait as long as a head; then it holds its place no longer.
    fn taken<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let head = self.head;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(head)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> Read for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(read) => {
                this.silent = false;
                if this.pace.bytes_came() {
                    this.deadline.as_mut().reset(Instant::now() + this.head);
                } else if this.pace.heading() && this.deadline.is_elapsed() {
                    // A head that trickles in byte by byte is always ready and never done.
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Ready(read)
            }
            Poll::Pending if this.silent || this.pace.heading() => {
                ready!(this.deadline.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> Write for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.taken(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS keeps bytes of its own that somebody must take.
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.taken(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS keeps bytes of its own that somebody must take.
        let done = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.taken(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.taken(cx, written)
    }
}
