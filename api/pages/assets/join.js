// The page by which this browser becomes one more device of somebody's.

import { element, onClick, say, tell } from "/pages/elements.js";

// The code stands behind the # of the address, which browsers send to nobody.
element("code").value = decodeURIComponent(location.hash.slice(1));
if (location.hash) {
  history.replaceState(null, "", location.pathname);
}

async function start() {
  const { device, member } = await calls.session();
  element("signed-in").hidden = !member;
  element("there").hidden = Boolean(member) || !device;
  element("form").hidden = Boolean(member);
}

async function join() {
  const { device } = await calls.session();
  if (device && !element("replace").checked) {
    element("there").hidden = false;
    element("replace").focus();
    say("Tick the box first if this browser shall forget what it was.");
    return;
  }
  await calls.register({
    joining_code: element("code").value,
    label: element("label").value || null,
    replaces_device: Boolean(device),
  });
  // What it kept was for the device that it was.
  await storage.forgetAll();
  await storage.set("known", true);
  location.assign("/notifications");
}

element("form").addEventListener("submit", (event) => event.preventDefault());
onClick(element("go"), join);
addEventListener("hashchange", () => location.reload());
start().catch(tell);
