"use strict";

const byId = (id) => document.getElementById(id);
const form = byId("sign-in");
const wrong = "Username or password is wrong.";

async function signIn() {
  const given = { username: byId("username").value, password: byId("password").value };
  const code = byId("code").value.trim();
  try {
    const done = await calls.signIn({ ...given, ...(code ? { code } : {}) });
    if (done.second_factor_demanded) {
      await beginEnrolling(given.password);
    } else {
      goOn();
    }
    byId("password").value = byId("code").value = "";
  } catch (error) {
    explain(error);
  }
}

function explain(error) {
  if (error.code === "second-factor-needed") {
    byId("code-field").hidden = false;
    byId("code").focus();
    forms.say("Your account asks for a code as well.", { good: true });
  } else if (error.code === "second-factor-refused") {
    forms.blame("code", "This code is not good. Wait for the next one.");
    byId("code").select();
  } else if (error.code === "sign-in-refused") {
    forms.blame("password", wrong);
    byId("password").select();
  } else {
    forms.tell(error);
  }
}

// Only to an address of this service: whoever sends a link here must not lead people elsewhere.
function goOn() {
  const next = new URLSearchParams(location.search).get("next");
  const target = next && new URL(next, location.origin);
  if (target && target.origin === location.origin && target.pathname !== location.pathname) {
    location.assign(target);
    return;
  }
  forms.show("You are signed in", byId("signed-in"));
}

async function beginEnrolling(password) {
  const shared = await calls.call("POST", "/v1/second-factor", { password });
  byId("secret").textContent = shared.secret.match(/.{4}/g).join(" ");
  const drawing = new DOMParser().parseFromString(shared.qr_svg, "image/svg+xml");
  byId("qr").replaceChildren(document.importNode(drawing.documentElement, true));
  forms.show("Set up a second factor", byId("enrol"));
}

async function confirmEnrolling() {
  try {
    const code = byId("first-code").value;
    const made = await calls.call("POST", "/v1/second-factor/confirmation", { code });
    byId("recovery-codes").replaceChildren(
      ...made.recovery_codes.map((one) => {
        const item = document.createElement("li");
        item.textContent = one;
        return item;
      }),
    );
    forms.show("Recovery codes", byId("recovery"));
  } catch (error) {
    if (error.code === "second-factor-refused") {
      forms.blame("first-code", "This code is not good. Wait for the next one.");
    } else {
      forms.tell(error);
    }
  }
}

async function signOut() {
  try {
    const left = await calls.call("DELETE", "/v1/sign-in");
    location.assign(left.end_at ?? "/sign-in");
  } catch (error) {
    forms.tell(error);
  }
}

forms.onSubmit(form, signIn);
forms.onSubmit(byId("enrol"), confirmEnrolling);
byId("kept").addEventListener("click", goOn);
byId("sign-out").addEventListener("click", signOut);
