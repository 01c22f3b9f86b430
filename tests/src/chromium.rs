//! A real Chromium, driven through Debian's ChromeDriver on a free port, with a profile of its own.
//!
//! Chromium resolves `localhost` and `*.localhost` to this machine by itself; every other name is mapped to
//! nothing unless a test maps it here, so that a page that asked another origin for anything would fail.

use std::time::{Duration, Instant};

use thirtyfour::{
    By, ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver, WebElement, error::WebDriverResult,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::servers::{Guarded, folder, free_port, wait_until};

/// Browsers at a time: more of them on two cores time each other out.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A running browser. End it with [`Chromium::quit`].
pub struct Chromium {
    /// The session.
    pub driver: WebDriver,
    service: Guarded,
    _turn: SemaphorePermit<'static>,
}

impl Chromium {
    /// Starts a browser.
    pub async fn start() -> Self {
        Self::with_hosts(&[]).await
    }

    /// Starts a browser that finds `host` at a port of this machine, whatever port the address names. The
    /// certificates of mapped hosts are the tests' own and accepted unseen.
    pub async fn with_hosts(hosts: &[(&str, u16)]) -> Self {
        let turn = TURNS.acquire().await.unwrap();
        let port = free_port();
        let folder = folder("chromium");
        let service = ["chromedriver".to_owned(), format!("--port={port}"), "--log-level=WARNING".to_owned()];
        let service = Guarded::start("TERM", folder, port, &service);
        let ready = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until("ChromeDriver to start", ready, || service.log());
        let mut rules = hosts.iter().map(|(host, port)| format!("MAP {host} 127.0.0.1:{port}")).collect::<Vec<_>>();
        rules.extend(["MAP * ~NOTFOUND".to_owned(), "EXCLUDE 127.0.0.1".to_owned()]);
        rules.extend(["EXCLUDE localhost".to_owned(), "EXCLUDE *.localhost".to_owned()]);
        let mut wishes = DesiredCapabilities::chrome();
        wishes.set_binary("/usr/bin/chromium").unwrap();
        let profile = format!("--user-data-dir={}/profile", service.folder.display());
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--accept-lang=id",
            "--window-size=1280,900",
            &profile,
            &format!("--host-resolver-rules={}", rules.join(", ")),
        ];
        for flag in flags {
            wishes.add_arg(flag).unwrap();
        }
        if !hosts.is_empty() {
            wishes.add_arg("--ignore-certificate-errors").unwrap();
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wishes).await;
        let driver = driver.unwrap_or_else(|error| panic!("{error}\n{}", service.log()));
        Self { driver, service, _turn: turn }
    }

    /// Opens an address and waits until its page is loaded.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// What a person reads on the page.
    pub async fn text(&self) -> String {
        self.read().await.unwrap()
    }

    /// Text of the page in one step: an element found first may be gone when its text is asked for, where
    /// one page just gives way to the next.
    async fn read(&self) -> WebDriverResult<String> {
        let script = "return document.body ? document.body.innerText : ''";
        self.driver.execute(script, Vec::new()).await?.convert()
    }

    /// The address shown.
    pub async fn url(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// The element a CSS selector finds.
    pub async fn the(&self, selector: &str) -> WebElement {
        match self.driver.find(By::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("{selector}: {error}\n{}", self.shown().await),
        }
    }

    /// Whether a CSS selector finds anything.
    pub async fn has(&self, selector: &str) -> bool {
        self.driver.find(By::Css(selector)).await.is_ok()
    }

    /// Types into the field of this name, in place of what stands there.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.the(&format!("[name={name}]")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks what a CSS selector finds.
    pub async fn click(&self, selector: &str) {
        self.the(selector).await.click().await.unwrap();
    }

    /// Clicks the link with this text.
    pub async fn click_link(&self, text: &str) {
        match self.driver.find(By::PartialLinkText(text)).await {
            Ok(link) => link.click().await.unwrap(),
            Err(error) => panic!("link {text}: {error}\n{}", self.shown().await),
        }
    }

    /// Signs in on the sign-in page shown.
    pub async fn sign_in(&self, name: &str, password: &str) {
        self.fill("username", name).await;
        self.fill("password", password).await;
        self.click("form button[type=submit], form input[type=submit]").await;
    }

    /// Waits until the page shown says `text`, reloading between looks if told to by `again`.
    pub async fn until_text(&self, text: &str, at_most: Duration) {
        let started = Instant::now();
        // Between two pages there is nothing to read.
        while !self.read().await.is_ok_and(|shown| shown.contains(text)) {
            assert!(started.elapsed() < at_most, "no \"{text}\" within {at_most:?}:\n{}", self.shown().await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str) -> serde_json::Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// A picture of the page, PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.driver.screenshot_as_png().await.unwrap()
    }

    /// Ends browser and driver.
    pub async fn quit(self) {
        let ended: WebDriverResult<()> = self.driver.quit().await;
        ended.unwrap_or_else(|error| panic!("{error}\n{}", self.service.log()));
    }

    async fn shown(&self) -> String {
        let source = self.driver.source().await.unwrap_or_default();
        format!("{}\n{source}", self.driver.current_url().await.map(|url| url.to_string()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, response::Html, routing::get};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_real_browser_opens_a_name_under_localhost() {
        let page = Html("<title>t</title><p>Selamat pagi</p><form><input name=a></form>");
        let router = Router::new().route("/", get(move || async move { page }));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let browser = Chromium::start().await;
        browser.open(&format!("http://presensi.localhost:{port}/")).await;
        assert!(browser.text().await.contains("Selamat pagi"));
        browser.fill("a", "x").await;
        assert_eq!(browser.script("return document.querySelector('[name=a]').value").await, "x");
        browser.quit().await;
    }
}
