//! One person's morning: the first application, by session or by password, then two or three more by
//! silent sign-on, each with the requests a browser and an application send.

use std::time::{Duration, Instant};

use http::{HeaderName, StatusCode, header};

use crate::{
    city::Web,
    line::{Answer, Broken, Headers, Line},
    person::{back_with, filled, keep_cookies},
};

use super::tally::{Ending, Step, Tally};

/// Nobody waits longer for a page.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where everybody goes.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) port: u16,
    pub(super) host: String,
    pub(super) applications: Vec<Web>,
    /// Sent as `X-Forwarded-For` by the proxy in front, where there is one.
    pub(super) address: Option<&'static str>,
}

/// A browser and the application behind it.
pub(super) struct Visitor<'t> {
    door: Door,
    tally: &'t Tally,
    name: String,
    cookies: String,
    line: Option<Line>,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
}

/// Why a person is not in yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotYet {
    /// When to come back at the earliest.
    pub(super) after: Duration,
}

impl<'t> Visitor<'t> {
    /// With the cookie of a session that began before, or with none.
    pub(super) fn new(door: &Door, tally: &'t Tally, name: &str, cookies: String) -> Self {
        Self {
            door: door.clone(),
            tally,
            name: name.to_owned(),
            cookies,
            line: None,
            access_token: String::new(),
            refresh_token: String::new(),
        }
    }

    /// Into one application: a code at once where the session stands, by the form where it does not.
    pub(super) async fn enter(&mut self, application: usize) -> Result<(), NotYet> {
        let web = self.door.applications[application].clone();
        let mut answer = self.get(Step::Authorize, &web.authorize()).await?;
        for _ in 0..4 {
            let next = answer.header(&header::LOCATION).to_owned();
            match back_with(&next) {
                Some(Ok(code)) => return self.redeem(&web, &code).await,
                Some(Err(error)) => return Err(self.refused(&error)),
                None => {}
            }
            let path = next.strip_prefix(&format!("http://{}", self.door.host)).unwrap_or(&next).to_owned();
            answer = if path.starts_with("/masuk") {
                let page = self.get(Step::Page, &path).await?;
                let (action, form) = filled(&page.text(), &self.name, &path);
                let same_origin = [(HeaderName::from_static("sec-fetch-site"), "same-origin")];
                self.ask(Step::Password, &action, &same_origin, Some(&form)).await?
            } else {
                self.get(Step::Authorize, &path).await?
            };
        }
        self.tally.note(Step::Authorize, Ending::Wrong(answer.status.as_u16()), Duration::ZERO);
        Err(NotYet { after: Duration::ZERO })
    }

    /// Sent back to the application without a code.
    fn refused(&self, error: &str) -> NotYet {
        let is_down = error == "temporarily_unavailable";
        let ending = if is_down { Ending::Unavailable } else { Ending::Wrong(StatusCode::BAD_REQUEST.as_u16()) };
        self.tally.note(Step::Authorize, ending, Duration::ZERO);
        NotYet { after: Duration::ZERO }
    }

    /// What the application does with a code: two requests of its own.
    async fn redeem(&mut self, web: &Web, code: &str) -> Result<(), NotYet> {
        self.token(web, &Web::redemption(code)).await?;
        self.userinfo().await
    }

    pub(super) async fn refresh(&mut self, application: usize) -> Result<(), NotYet> {
        let web = self.door.applications[application].clone();
        let form = format!("grant_type=refresh_token&refresh_token={}", crate::person::coded(&self.refresh_token));
        self.token(&web, &form).await
    }

    pub(super) async fn userinfo(&mut self) -> Result<(), NotYet> {
        let bearer = format!("Bearer {}", self.access_token);
        self.ask(Step::Userinfo, "/userinfo", &[(header::AUTHORIZATION, &bearer)], None).await.map(drop)
    }

    pub(super) async fn introspect(&mut self, application: usize) -> Result<(), NotYet> {
        let basic = self.door.applications[application].basic.clone();
        let form = format!("token={}", crate::person::coded(&self.access_token));
        let answer = self.ask(Step::Introspect, "/introspect", &[(header::AUTHORIZATION, &basic)], Some(&form)).await?;
        assert!(answer.text().contains("\"active\":true"), "{}", answer.text());
        Ok(())
    }

    async fn token(&mut self, web: &Web, form: &str) -> Result<(), NotYet> {
        let answer = self.ask(Step::Token, "/token", &[(header::AUTHORIZATION, &web.basic)], Some(form)).await?;
        let tokens = answer.json();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        (self.access_token, self.refresh_token) = (text("access_token"), text("refresh_token"));
        Ok(())
    }

    async fn get(&mut self, step: Step, path: &str) -> Result<Answer, NotYet> {
        self.ask(step, path, &[], None).await
    }

    /// One request, noted however it ends.
    async fn ask(
        &mut self,
        step: Step,
        path: &str,
        headers: Headers<'_>,
        form: Option<&str>,
    ) -> Result<Answer, NotYet> {
        let begun = Instant::now();
        let answered = tokio::time::timeout(PATIENCE, self.send(path, headers, form)).await;
        let ending = match &answered {
            Err(_) => Ending::TimedOut,
            Ok(Err(_)) => Ending::Unreachable,
            Ok(Ok(answer)) => ending(answer),
        };
        self.tally.note(step, ending, begun.elapsed());
        let Ok(Ok(answer)) = answered else {
            self.line = None;
            return Err(NotYet { after: Duration::ZERO });
        };
        if ending == Ending::Served {
            keep_cookies(&mut self.cookies, &answer);
            return Ok(answer);
        }
        let seconds = answer.header(&header::RETRY_AFTER).parse().unwrap_or(0);
        Err(NotYet { after: Duration::from_secs(seconds) })
    }

    async fn send(&mut self, path: &str, headers: Headers<'_>, form: Option<&str>) -> Result<Answer, Broken> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => Line::try_open(self.door.port, &self.door.host).await?,
        };
        let cookies = self.cookies.clone();
        let mut sent = headers.to_vec();
        sent.push((header::COOKIE, &cookies));
        if let Some(address) = self.door.address {
            sent.push((HeaderName::from_static("x-forwarded-for"), address));
        }
        let answer = match form {
            Some(form) => line.try_post(path, &sent, form).await?,
            None => line.try_get(path, &sent).await?,
        };
        self.line = Some(line);
        Ok(answer)
    }
}

fn ending(answer: &Answer) -> Ending {
    match answer.status {
        status if status.is_success() || status.is_redirection() => Ending::Served,
        StatusCode::SERVICE_UNAVAILABLE if is_queue(answer) => Ending::Queued,
        StatusCode::SERVICE_UNAVAILABLE if !answer.body.is_empty() => Ending::Unavailable,
        StatusCode::TOO_MANY_REQUESTS => Ending::LockedOut,
        status => Ending::Wrong(status.as_u16()),
    }
}

fn is_queue(answer: &Answer) -> bool {
    answer.text().contains("data-code=\"queue\"")
}
