"use strict";

// Programs that look at letters open their links, so opening the page must change nothing.
const confirmToken = location.hash.slice(1);
const endToken = new URLSearchParams(location.search).get("token");
const giveUpAfterMs = 15_000;

const words = {
  confirm: {
    heading: "Confirm your e‑mail address",
    button: "Yes, this address is mine",
    done: "Thank you. Your address is confirmed. You can now choose what to be told by e-mail.",
    refused: "This link is too old, or was used before. Ask for another letter.",
  },
  end: {
    heading: "Get no more letters",
    button: "Send me no more letters",
    done: "You will get no more letters. Everything is still in your inbox.",
    refused: "Part of this link is missing. Open the whole link that is in our letter.",
  },
};
const failed = "That did not work. Please try again in a minute.";
const incomplete = "Part of this link is missing. Open the whole link that is in our letter.";

const message = document.getElementById("message");
const button = document.getElementById("go");

function confirmAddress() {
  return post("/v1/email/confirmation", JSON.stringify({ token: confirmToken }));
}

function endLetters() {
  return post(`/v1/email/unsubscribe?token=${encodeURIComponent(endToken)}`);
}

function post(address, body) {
  return fetch(address, {
    method: "POST",
    headers: body ? { "Content-Type": "application/json" } : {},
    body,
    signal: AbortSignal.timeout(giveUpAfterMs),
  });
}

function offer(told, act) {
  document.getElementById("heading").textContent = told.heading;
  document.title = told.heading;
  button.textContent = told.button;
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    message.textContent = "";
    try {
      const answer = await act();
      if (!answer.ok && answer.status !== 422) {
        throw new Error(String(answer.status));
      }
      message.textContent = answer.ok ? told.done : told.refused;
      message.classList.toggle("good", answer.ok);
      button.hidden = true;
    } catch {
      message.textContent = failed;
      button.disabled = false;
    }
  });
}

if (endToken) {
  offer(words.end, endLetters);
} else if (confirmToken) {
  offer(words.confirm, confirmAddress);
} else {
  message.textContent = incomplete;
}
addEventListener("hashchange", () => location.reload());
