"use strict";

// The screen's secret stands behind the # of its address, which browsers send to nobody.
const secret = location.hash.slice(1);
const refreshEveryMs = 20_000;
const retryEveryMs = 5_000;
const giveUpAfterMs = 10_000;
const drawEveryMs = 250;

const messages = {
  current: "",
  stale: "The code has run out. Please wait, or ask at the desk. The screen has lost its connection and keeps trying.",
  waiting: "The screen has no connection yet, and keeps trying. Please ask at the desk.",
  ended: "This screen has been switched off, or its address is wrong. Please ask at the desk.",
  incomplete: "This address is not whole. Open the screen’s full address, with everything after the #.",
};

const main = document.getElementById("screen");
const qr = document.getElementById("qr");
const path = qr.querySelector("path");
const message = document.getElementById("message");
const countdown = document.getElementById("countdown");

let codes = [];
let told = null; // The server's time, and this machine's two clocks at that moment.
let shown = null;

// The screen's clock may be wrong, so only the time that has passed is asked of it. One of its
// clocks stands still while it sleeps and the other can be set, so the larger difference counts:
// at worst a code is taken for too old.
function serverNow() {
  return told.server + Math.max(performance.now() - told.steady, Date.now() - told.wall);
}

function say(state) {
  if (main.dataset.state !== state) {
    main.dataset.state = state;
    message.textContent = messages[state];
  }
}

function draw() {
  if (told === null) {
    return;
  }
  const now = serverNow();
  const code = codes.find((one) => one.from <= now && now < one.until);
  if (!code) {
    say("stale");
    return;
  }
  if (code !== shown) {
    shown = code;
    qr.setAttribute("viewBox", `0 0 ${code.qr.size_modules} ${code.qr.size_modules}`);
    path.setAttribute("d", code.qr.path);
  }
  const seconds = Math.ceil((code.until - now) / 1000);
  countdown.textContent = `New code in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`;
  say("current");
}

async function fetchCodes() {
  const before = { steady: performance.now(), wall: Date.now() };
  const answer = await fetch("/v1/screen", {
    headers: { Authorization: `Bearer ${secret}` },
    cache: "no-store",
    signal: AbortSignal.timeout(giveUpAfterMs),
  });
  if (answer.status === 401) {
    codes = [];
    told = null;
    say("ended");
    return;
  }
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  const body = await answer.json();
  told = { server: Date.parse(body.now), ...before };
  codes = body.codes.map((one) => ({
    from: Date.parse(one.shown_from),
    until: Date.parse(one.shown_until),
    qr: one.qr,
  }));
  document.getElementById("place").textContent = body.place_name;
  document.title = `Check in at ${body.place_name}`;
  draw();
}

async function keepFetching() {
  let waitMs = refreshEveryMs;
  try {
    await fetchCodes();
  } catch {
    // The codes fetched before go on being shown until they run out.
    waitMs = retryEveryMs;
    if (told === null && main.dataset.state !== "ended") {
      say("waiting");
    }
  }
  setTimeout(keepFetching, waitMs);
}

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Some machines do not allow it; their own settings decide.
  }
}

const full = document.getElementById("full");
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", () => {
  // A browser that refuses leaves the page as it is, which is what is left to say of it.
  document.documentElement.requestFullscreen().catch(() => {});
});
addEventListener("hashchange", () => location.reload());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    stayAwake();
  }
});

if (secret === "") {
  say("incomplete");
} else {
  stayAwake();
  setInterval(draw, drawEveryMs);
  keepFetching();
}
