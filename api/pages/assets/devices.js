// The devices of whoever this browser is, and how another one is added to them.

import { element, make, onClick, say, when } from "/pages/elements.js";

const unnamed = "Without a name";

export async function showDevices({ removed, explain }) {
  const devices = await calls.call("GET", "/v1/devices");
  element("devices").replaceChildren(...devices.map((device) => entry(device, { removed, explain })));
  element("join").hidden = true;
}

function entry({ id, label, created_at, current }, { removed, explain }) {
  const name = current ? `${label ?? unnamed} (this browser)` : (label ?? unnamed);
  const button = make("button", { type: "button", textContent: "Remove" });
  button.setAttribute("aria-label", `Remove: ${name}`);
  const since = make("span", { className: "when" }, "Since ", when(created_at));
  const item = make("li", {}, make("p", { textContent: name }), make("p", { className: "foot" }, since, button));
  const remove = async () => {
    await calls.call("DELETE", current ? "/v1/devices/me" : `/v1/devices/${id}`);
    if (current) {
      await removed();
    } else {
      await showDevices({ removed, explain });
      say("It was removed, and can see nothing of yours any more.");
    }
  };
  onClick(button, () => ask(button, remove), explain);
  return item;
}

// A second touch is the answer: nothing brings a device back.
async function ask(button, remove) {
  if (button.dataset.asked) {
    await remove();
    return;
  }
  button.dataset.asked = "true";
  button.textContent = "Yes, remove it";
  say("Touch again to remove it. That cannot be undone.");
}

export async function showCode() {
  const { code, qr, expires_at } = await calls.call("POST", "/v1/devices/me/joining-code");
  element("join-code").textContent = code;
  element("join-where").textContent = `${location.host}/join`;
  element("join-until").replaceChildren(when(expires_at));
  element("join-qr").setAttribute("viewBox", `0 0 ${qr.size_modules} ${qr.size_modules}`);
  element("join-qr").querySelector("path").setAttribute("d", qr.path);
  element("join").hidden = false;
}
