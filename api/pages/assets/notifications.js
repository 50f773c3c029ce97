// The page of notifications: what this browser is told, whether it is, and what came of it.

import { showCode, showDevices } from "/pages/devices.js";
import { element, make, onClick, say, tell, when } from "/pages/elements.js";

const worker = "/service-worker.js";
const healthAfterMs = [2000, 4000, 8000];

const health = {
  working: "Notifications are on, and they arrive here.",
  unproven: "Notifications are on. None has arrived here yet: send yourself a test.",
  failing: "Notifications are on, but the last ones did not arrive here. Turn them off and on again.",
  "outdated-key": "Notifications are on, but have to be renewed. Load this page again.",
  ended: "Notifications have stopped working here. Turn them on again.",
};
const states = {
  off: "Notifications are off.",
  blocked: "Notifications are blocked in this browser.",
  unsupported: "This browser cannot show notifications.",
  "home-screen": "On an iPhone or iPad, notifications come to apps on the Home Screen only.",
  unreachable: "We cannot find out just now, because the service does not answer.",
};
const advice = {
  blocked:
    "To allow them, open the settings of this page (beside its address) or of your browser, allow " +
    "notifications, and load this page again.",
  unsupported: "What we have to tell you stands below all the same. You can look here at any time.",
  "home-screen":
    "Touch Share, then Add to Home Screen. Open Notifications from there, and turn them on in it.",
};
const undecided = {
  test: "You asked for it on this page, as a test.",
  "device-joined": "We always tell you of it, so that nobody adds a device to yours without your knowing.",
};
const passed = {
  purpose: "You agreed to be told of such things.",
  confidence: "We were sure enough that you were there.",
  age: "It had only just happened.",
  "opening-hours": "The place’s opening hours allowed it.",
  "quiet-hours": "Your quiet hours allowed it.",
  cap: "You had not had too many messages lately.",
  cooldown: "You had not been told of it a short while before.",
  claimable: "What it speaks of was on at the time.",
  duplicate: "You had not been told of it on this visit.",
};

const page = element("page");

async function explain(error) {
  if (error.status === 401) {
    // Not every browser lets go at once of what it kept.
    await startAnew().catch(tell);
  } else {
    tell(error);
  }
}

// The service does not know this browser any more.
async function startAnew(text = "This browser is no longer known to us, so please set it up again.") {
  await storage.forgetAll();
  element("inbox").replaceChildren();
  element("single-title").textContent = element("single-body").textContent = "";
  show("welcome");
  say(text);
}

function show(section) {
  for (const id of ["welcome", "overview", "single"]) {
    element(id).hidden = id !== section;
  }
  page.dataset.state = section;
}

// Push: is it possible, is it on, does it work?

function obstacle() {
  const onApple = "standalone" in navigator && navigator.maxTouchPoints > 0;
  if (onApple && !navigator.standalone) {
    return "home-screen";
  }
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    return "unsupported";
  }
  return Notification.permission === "denied" ? "blocked" : null;
}

function showPush(state, text = states[state]) {
  const isOn = state === "on";
  element("push").textContent = text;
  element("push").dataset.state = state;
  element("push-advice").textContent = advice[state] ?? "";
  element("push-advice").hidden = !(state in advice);
  element("turn-on").hidden = state !== "off";
  element("test").hidden = !isOn;
  element("turn-off").hidden = !isOn;
}

async function register() {
  await navigator.serviceWorker.register(worker, { updateViaCache: "none" });
  return navigator.serviceWorker.ready;
}

// What was on when the page was left may have been ended or exchanged by the browser since.
async function resync() {
  const hindrance = obstacle();
  if (hindrance) {
    showPush(hindrance);
    return;
  }
  if (!(await subscribing.isWanted()) || Notification.permission !== "granted") {
    showPush("off");
    return;
  }
  try {
    await subscribing.sync(await register());
    await showHealth();
  } catch (error) {
    if (error.status === 401) {
      throw error;
    }
    showPush("unreachable");
  }
}

async function showHealth() {
  const kept = await storage.get("subscription");
  const all = await calls.call("GET", "/v1/subscriptions");
  const found = all.find(({ id }) => id === kept?.id);
  const state = found?.health ?? "ended";
  element("push").dataset.health = state;
  showPush(state === "ended" ? "off" : "on", health[state]);
}

async function turnOn() {
  // Browsers ask only while the tap is fresh, so nothing is waited for before.
  const permission = await Notification.requestPermission();
  if (permission !== "granted") {
    showPush(permission === "denied" ? "blocked" : "off");
    return;
  }
  element("push").textContent = "Turning notifications on…";
  try {
    await subscribing.turnOn(await register());
    await showHealth();
  } catch (error) {
    showPush("off");
    throw error;
  }
  element("test").focus();
}

async function turnOff() {
  await subscribing.turnOff(await register());
  showPush("off");
  element("turn-on").focus();
}

async function sendTest() {
  const kept = await storage.get("subscription");
  await calls.call("POST", `/v1/subscriptions/${kept.id}/test`);
  say("A test is on its way. It should appear on this device within a few seconds.");
  for (const wait of healthAfterMs) {
    setTimeout(() => showHealth().catch(() => {}), wait);
  }
}

// What may be told.

async function showConsents() {
  const consents = await calls.call("GET", "/v1/consents");
  element("consents").replaceChildren(...consents.map(consentBox));
  element("telling").open = !consents.some(({ given_at }) => given_at);
}

function consentBox({ purpose, text, text_version, agreed_version }) {
  const box = make("input", { type: "checkbox", name: purpose, checked: agreed_version === text_version });
  box.addEventListener("change", async () => {
    say("");
    try {
      if (box.checked) {
        await calls.call("PUT", `/v1/consents/${purpose}`, { text_version });
        say("Thank you. We keep that you agreed.");
      } else {
        await calls.call("DELETE", `/v1/consents/${purpose}`);
        say("You have withdrawn it, and we have stopped.");
      }
    } catch (error) {
      box.checked = !box.checked;
      await explain(error);
    }
  });
  return make("label", {}, box, make("span", { textContent: text }));
}

// The inbox.

const folder = new URLSearchParams(location.search).get("folder") === "archive" ? "archive" : "inbox";
const isArchive = folder === "archive";
const nothing = isArchive
  ? "Nothing is archived."
  : "There is nothing here yet. Whatever we tell you will stand here too, in case you miss it.";
let older = null;

function isTheEnd() {
  element("more").hidden = older === null;
  element("empty").textContent = nothing;
  element("empty").hidden = element("inbox").children.length > 0;
}

async function showInbox() {
  const { items, next } = await calls.call("GET", `/v1/notifications?folder=${folder}&limit=20`);
  older = next;
  element("inbox").replaceChildren(...items.map((item) => entry(item)));
  isTheEnd();
}

async function showOlder() {
  const { items, next } = await calls.call("GET", older);
  older = next;
  const entries = items.map((item) => entry(item));
  element("inbox").append(...entries);
  isTheEnd();
  entries[0]?.querySelector("a").focus();
}

function entry({ id, title, body, created_at, read_at }, level = "h3") {
  const link = make("a", { href: `/notifications/${id}`, textContent: title });
  const heading = make(level, { className: read_at ? "read" : "unread" }, link);
  if (!read_at) {
    heading.prepend(make("span", { className: "mark", textContent: "New" }));
  }
  const button = make("button", { type: "button", textContent: isArchive ? "Move back" : "Archive" });
  button.setAttribute("aria-label", `${button.textContent}: ${title}`);
  const foot = make("p", { className: "foot" }, make("span", { className: "when" }, when(created_at)), button);
  const item = make("li", {}, heading, make("p", { textContent: body }), foot);
  onClick(button, async () => {
    await calls.call("PATCH", `/v1/notifications/${id}`, { archived: !isArchive });
    const next = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    isTheEnd();
    say(isArchive ? "Moved back to the inbox." : "Moved to the archive.");
    (next?.querySelector("a") ?? page).focus();
  }, explain);
  return item;
}

async function openOverview() {
  show("overview");
  for (const link of element("folders").querySelectorAll("a")) {
    if (link.getAttribute("href") === location.pathname + location.search) {
      link.ariaCurrent = "page";
    }
  }
  // Each part shows what it can, whatever becomes of the others.
  const done = await Promise.allSettled([resync(), showConsents(), showInbox(), showDevices(ofDevices)]);
  const failed = done.find(({ status }) => status === "rejected");
  if (failed) {
    await explain(failed.reason);
  }
}

// A single notification.

async function openSingle(id) {
  const notification = await calls.call("GET", `/v1/notifications/${id}`);
  const { kind, title, body, created_at, archived_at, decision } = notification;
  document.title = title;
  element("single-title").textContent = title;
  element("single-when").replaceChildren(when(created_at));
  element("single-body").textContent = body;
  nameArchiving(archived_at);
  onClick(element("single-archive"), async () => {
    const archived = element("single-archive").dataset.archived !== "true";
    nameArchiving(archived);
    await calls.call("PATCH", `/v1/notifications/${id}`, { archived });
    say(archived ? "Moved to the archive." : "Moved back to the inbox.");
  }, explain);
  if (kind === "bundle") {
    await showBundle(id);
    return;
  }
  await showReason(kind, decision);
  show("single");
  // Whoever reads it need not hear that we could not note it.
  calls.call("PATCH", `/v1/notifications/${id}`, { read: true }).catch(() => {});
}

// One push told of several: each is shown whole, and read by that.
async function showBundle(id) {
  const { items } = await calls.call("GET", `/v1/notifications?folder=all&bundle_id=${id}&limit=200`);
  element("single-body").textContent = "";
  // Each has its own time and its own button.
  element("single-when").replaceChildren();
  element("single-archive").hidden = true;
  element("why").closest("section").hidden = true;
  element("single-items").replaceChildren(...items.map((item) => entry(item, "h2")));
  element("single-items").hidden = false;
  show("single");
  for (const item of items.filter(({ read_at }) => !read_at)) {
    calls.call("PATCH", `/v1/notifications/${item.id}`, { read: true }).catch(() => {});
  }
}

function nameArchiving(archived) {
  element("single-archive").dataset.archived = String(Boolean(archived));
  element("single-archive").textContent = archived ? "Move back to the inbox" : "Archive";
}

async function showReason(kind, decision) {
  if (!decision) {
    element("why").textContent = undecided[kind];
    return;
  }
  element("why").textContent = `${await setOffBy(decision)} It was sent because:`;
  const reasons = decision.gates_passed.filter((gate) => gate in passed);
  element("why-passed").replaceChildren(...reasons.map((gate) => make("li", { textContent: passed[gate] })));
}

async function setOffBy({ run_id, check_in_id, place_id }) {
  if (run_id) {
    return "Nothing that you did set it off: everybody whom it is for was to be told.";
  }
  const place = await calls.call("GET", `/v1/places/${place_id}`).catch(() => null);
  const name = place?.properties.name ?? "a place of ours";
  return check_in_id ? `You checked in at ${name}.` : `Your phone told us that you were at ${name}.`;
}

async function start() {
  const id = location.pathname.split("/")[2];
  const { device } = await calls.session();
  if (!device && (await storage.get("known"))) {
    await startAnew();
    return;
  }
  if (!device) {
    show("welcome");
    if (id) {
      say("This notification is another browser’s. Open it where you received it.");
    }
    return;
  }
  receipts.flush().catch(() => {});
  if (!id) {
    await openOverview();
    return;
  }
  try {
    await openSingle(id);
  } catch (error) {
    if (error.status !== 404 && error.status !== 422) {
      throw error;
    }
    await openOverview();
    say("There is no such notification for this browser. It may be another browser’s.");
  }
}

const ofDevices = { removed: () => startAnew("This browser was removed, and nobody is known by it."), explain };

async function begin() {
  const { device } = await calls.session();
  if (!device) {
    await calls.register({ time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  }
  await storage.set("known", true);
  await openOverview();
  page.focus();
}

onClick(element("begin"), begin, explain);
onClick(element("turn-on"), turnOn, explain);
onClick(element("turn-off"), turnOff, explain);
onClick(element("test"), sendTest, explain);
onClick(element("more"), showOlder, explain);
onClick(element("add"), showCode, explain);

navigator.serviceWorker?.addEventListener("message", () => {
  if (page.dataset.state === "overview") {
    Promise.all([showInbox(), showHealth()]).catch(() => {});
  }
});
addEventListener("online", () => {
  receipts.flush().catch(() => {});
});

start().catch(explain);
