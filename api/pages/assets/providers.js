"use strict";

// Leads to the identity providers that members can sign in with, and says to whoever comes back
// from one that they are signed in.
(async () => {
  const cameBack = "#signed-in";
  const section = document.getElementById("providers");

  // Where to go on to; the service itself refuses whatever is not its own.
  function target() {
    const next = new URLSearchParams(location.search).get("next");
    const found = next && new URL(next, location.origin);
    const isOurs = found && found.origin === location.origin;
    return isOurs ? found.pathname + found.search + found.hash : `/sign-in${cameBack}`;
  }

  function link(provider) {
    const made = document.createElement("a");
    made.href = `${provider.start}?${new URLSearchParams({ return_to: target() })}`;
    made.textContent = `Sign in with ${provider.name}`;
    const item = document.createElement("li");
    item.append(made);
    return item;
  }

  async function offer() {
    try {
      const providers = await calls.send("GET", "/v1/oidc");
      document.getElementById("provider-links").replaceChildren(...providers.map(link));
      section.hidden = providers.length === 0;
    } catch {
      forms.say("Other ways to sign in could not be loaded. Load this page again to look for them.");
    }
  }

  if (location.hash === cameBack && (await calls.session()).member) {
    forms.show("You are signed in", document.getElementById("signed-in"));
  } else {
    await offer();
  }
})().catch(forms.tell);
