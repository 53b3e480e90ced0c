//! A desktop of the test's own: an X server without a screen, a session bus, and a panel that shows tray icons.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::{DEADLINE, Program, Running, until};

/// A display and a bus; both end with it.
pub struct Desktop {
    _server: Child,
    _bus: Child,
    pub display: String,
    pub bus: String,
}

impl Desktop {
    pub async fn start() -> Self {
        let (server, display) = x_server(None).await;
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("dbus-daemon is needed: cargo xtask setup");
        let address = first_line(&mut bus).await;
        Self { _server: server, _bus: bus, display, bus: address }
    }

    /// Starts a program that sees this desktop; its log goes to the program's file.
    pub fn start_in(&self, program: &Program, args: &[&str]) -> Running {
        program.start_with(args, |command| {
            command
                .env("DISPLAY", &self.display)
                .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
                .env("LIBGL_ALWAYS_SOFTWARE", "1")
                .env("RUST_LOG", "worker_ui=debug,info");
        })
    }

    /// What a command of X says.
    pub async fn x(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(program).args(args).env("DISPLAY", &self.display).output();
        let output = tokio::time::timeout(DEADLINE, output).await.expect("it ends");
        String::from_utf8_lossy(&output.expect("it is needed: cargo xtask setup").stdout).into_owned()
    }

    /// The windows of workers, by their numbers.
    pub async fn windows(&self) -> Vec<String> {
        let found = self.x("xdotool", &["search", "--onlyvisible", "--name", "^Studio worker$"]).await;
        found.lines().map(ToOwned::to_owned).collect()
    }

    /// Does what a click on the cross of a window's frame does.
    pub fn close(&self, window: &str) {
        use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask};
        let (x, _) = x11rb::connect(Some(&self.display)).unwrap();
        let atom = |name: &str| x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let window: u32 = window.parse().unwrap();
        let data = [atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), data);
        x.send_event(false, window, EventMask::NO_EVENT, message).unwrap().check().unwrap();
    }

    /// Waits until there are so many.
    pub async fn has_windows(&self, wanted: usize, log: &Program) -> Vec<String> {
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let windows = self.windows().await;
            if windows.len() == wanted {
                return windows;
            }
            assert!(std::time::Instant::now() < end, "never {wanted} windows: {windows:?}\n{}", log.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// An X server, on this display or any free one.
pub async fn x_server(display: Option<&str>) -> (Child, String) {
    let mut command = Command::new("Xvfb");
    command.args(display).args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut server = command.spawn().expect("Xvfb is needed: cargo xtask setup");
    let number = first_line(&mut server).await;
    (server, format!(":{number}"))
}

async fn first_line(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("it says where it is");
    line.unwrap().expect("it says where it is")
}

/// Panels know icons by the connection that registered them.
#[derive(Default)]
struct Watcher {
    items: Arc<Mutex<Vec<String>>>,
}

#[expect(clippy::unused_self, reason = "methods of an interface have one")]
#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        assert!(!service.is_empty());
        self.items.lock().unwrap().push(header.sender().unwrap().to_string());
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A panel that shows icons to the test.
pub struct Panel {
    bus: zbus::Connection,
    items: Arc<Mutex<Vec<String>>>,
}

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: i32,
    pub label: String,
    pub enabled: bool,
}

type Pixmaps = Vec<(i32, i32, Vec<u8>)>;
type Layout = (u32, (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>));

impl Panel {
    pub async fn on(desktop: &Desktop) -> Self {
        let watcher = Watcher::default();
        let items = Arc::clone(&watcher.items);
        let bus = zbus::connection::Builder::address(desktop.bus.as_str())
            .unwrap()
            .serve_at("/StatusNotifierWatcher", watcher)
            .unwrap()
            .name("org.kde.StatusNotifierWatcher")
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { bus, items }
    }

    /// The first icon's connection.
    pub async fn item(&self) -> String {
        until("an icon is registered", || self.items.lock().unwrap().first().cloned()).await
    }

    async fn get(&self, item: &str, name: &str) -> OwnedValue {
        let proxy =
            zbus::Proxy::new(&self.bus, item.to_owned(), "/StatusNotifierItem", "org.kde.StatusNotifierItem");
        // Not cached: what is now counts.
        let properties = zbus::fdo::PropertiesProxy::new(&self.bus, item.to_owned(), "/StatusNotifierItem");
        let interface = proxy.await.unwrap().interface().to_owned();
        properties.await.unwrap().get(interface, name).await.unwrap()
    }

    /// Its title, its tooltip's text and its picture's bytes.
    pub async fn look(&self, item: &str) -> (String, String, Vec<u8>) {
        let title: String = self.get(item, "Title").await.try_into().unwrap();
        let (_, _, _, tip): (String, Pixmaps, String, String) =
            self.get(item, "ToolTip").await.try_into().unwrap();
        let mut pixmaps: Pixmaps = self.get(item, "IconPixmap").await.try_into().unwrap();
        (title, tip, pixmaps.pop().map(|pixmap| pixmap.2).unwrap_or_default())
    }

    /// Waits until its tooltip begins so.
    pub async fn looks(&self, item: &str, words: &str) -> (String, String, Vec<u8>) {
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let look = self.look(item).await;
            if look.1.starts_with(words) {
                return look;
            }
            assert!(std::time::Instant::now() < end, "never `{words}`: {}", look.1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn menu_proxy(&self, item: &str) -> zbus::Proxy<'_> {
        let path: OwnedObjectPath = self.get(item, "Menu").await.try_into().unwrap();
        zbus::Proxy::new(&self.bus, item.to_owned(), path, "com.canonical.dbusmenu").await.unwrap()
    }

    /// Every line with a label, in order; those of submenus after their own.
    pub async fn menu(&self, item: &str) -> Vec<Entry> {
        let menu = self.menu_proxy(item).await;
        let layout: Layout = menu.call("GetLayout", &(0, -1, Vec::<&str>::new())).await.unwrap();
        let mut entries = Vec::new();
        for child in layout.1.2 {
            collect(child, &mut entries);
        }
        entries
    }

    /// Waits until a line is there and can be chosen.
    pub async fn entry(&self, item: &str, label: &str) -> Entry {
        let end = std::time::Instant::now() + DEADLINE;
        loop {
            let menu = self.menu(item).await;
            if let Some(found) = menu.iter().find(|entry| entry.label == label && entry.enabled) {
                return found.clone();
            }
            assert!(std::time::Instant::now() < end, "`{label}` never can be chosen: {menu:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn click(&self, item: &str, label: &str) {
        let entry = self.entry(item, label).await;
        let menu = self.menu_proxy(item).await;
        let (): () = menu.call("Event", &(entry.id, "clicked", Value::from(0), 0_u32)).await.unwrap();
    }
}

fn collect(node: OwnedValue, entries: &mut Vec<Entry>) {
    let (id, properties, children): (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>) =
        node.try_into().unwrap();
    let text = |name: &str| properties.get(name).and_then(|value| String::try_from(value.clone()).ok());
    let enabled = properties.get("enabled").is_none_or(|value| bool::try_from(value.clone()).unwrap());
    if let Some(label) = text("label").filter(|label| !label.is_empty()) {
        entries.push(Entry { id, label, enabled });
    }
    for child in children {
        collect(child, entries);
    }
}

/// What a program told the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub app: String,
    /// The number of the one that it takes the place of.
    pub replaces: u32,
    pub title: String,
    pub words: String,
}

#[derive(Default)]
struct Notifications {
    told: Arc<Mutex<Vec<Notification>>>,
}

#[expect(clippy::too_many_arguments, reason = "the interface has as many")]
#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    fn notify(
        &self,
        app: String,
        replaces: u32,
        icon: &str,
        title: String,
        words: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        timeout: i32,
    ) -> u32 {
        assert!(actions.is_empty(), "nobody waits for an answer: {icon} {hints:?} {timeout}");
        let mut told = self.told.lock().unwrap();
        told.push(Notification { app, replaces, title, words });
        if replaces == 0 { told.len() as u32 } else { replaces }
    }
}

/// A desktop's notifications, shown to the test.
pub struct Notified {
    _bus: zbus::Connection,
    told: Arc<Mutex<Vec<Notification>>>,
}

impl Notified {
    pub async fn on(desktop: &Desktop) -> Self {
        let notifications = Notifications::default();
        let told = Arc::clone(&notifications.told);
        let bus = zbus::connection::Builder::address(desktop.bus.as_str())
            .unwrap()
            .serve_at("/org/freedesktop/Notifications", notifications)
            .unwrap()
            .name("org.freedesktop.Notifications")
            .unwrap()
            .build()
            .await
            .unwrap();
        Self { _bus: bus, told }
    }

    /// Waits until there are so many, and gives all.
    pub async fn told(&self, count: usize) -> Vec<Notification> {
        until("the desktop is told", || {
            let told = self.told.lock().unwrap();
            (told.len() >= count).then(|| told.clone())
        })
        .await
    }
}
