"use strict";

const byId = (id) => document.getElementById(id);
const linkToken = location.hash.slice(1);
// So that it is neither in the history nor in what the next page is told of.
history.replaceState(null, "", location.pathname);

async function choose() {
  try {
    const done = await calls.send("POST", "/v1/password", {
      body: { token: linkToken, password: byId("password").value },
    });
    byId("password").value = "";
    forms.show("Your password is set", null);
    forms.say(`You can now sign in as ${done.username}.`, { good: true });
    byId("go-on").hidden = false;
  } catch (error) {
    if (error.code === "password-refused" || error.code === "invalid-request") {
      forms.blame("password", error.message);
    } else if (error.code === "password-link-refused") {
      forms.show("This link is not good any more", byId("ask"));
      forms.say("It has run out, or was used before. Ask for another one.");
    } else {
      forms.tell(error);
    }
  }
}

async function ask() {
  try {
    await calls.send("POST", "/v1/password-reset", { body: { username: byId("username").value } });
    forms.show("Look for our letter", null);
    forms.say("If there is such an account, a letter is on its way. Its link works for an hour.", {
      good: true,
    });
  } catch (error) {
    if (error.code === "email-unavailable") {
      forms.say("No letters are sent here. Ask your administrator for a link.");
    } else {
      forms.tell(error);
    }
  }
}

byId("show").addEventListener("change", ({ target }) => {
  byId("password").type = target.checked ? "text" : "password";
});
forms.onSubmit(byId("choose"), choose);
forms.onSubmit(byId("ask"), ask);
if (linkToken) {
  forms.show("Choose a password", byId("choose"));
} else {
  forms.show("Ask for a new password", byId("ask"));
}
addEventListener("hashchange", () => location.reload());
