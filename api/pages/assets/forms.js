"use strict";

// What the pages with forms share: where a fault is told, and who hears of it.
const forms = (() => {
  const message = document.getElementById("message");

  function clear(form) {
    message.textContent = "";
    message.className = "";
    for (const input of form.querySelectorAll("input")) {
      input.removeAttribute("aria-invalid");
      const fault = document.getElementById(`${input.id}-fault`);
      if (fault) {
        fault.textContent = "";
      }
    }
  }

  function blame(id, told) {
    const input = document.getElementById(id);
    document.getElementById(`${id}-fault`).textContent = told;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  function say(told, { good = false } = {}) {
    message.className = good ? "good" : "";
    message.textContent = told;
  }

  // The first field that must be filled in and is not.
  function emptyIn(form) {
    return [...form.querySelectorAll("input[required]")].find((input) => input.value === "");
  }

  function onSubmit(form, act) {
    const button = form.querySelector("button[type=submit]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clear(form);
      const empty = emptyIn(form);
      if (empty) {
        const label = form.querySelector(`label[for=${empty.id}]`).textContent;
        blame(empty.id, `Fill in: ${label}`);
        return;
      }
      button.disabled = true;
      try {
        await act();
      } finally {
        button.disabled = false;
      }
    });
  }

  function show(heading, section) {
    for (const other of document.querySelectorAll("main > form, main > section")) {
      other.hidden = other !== section;
    }
    document.title = heading;
    const told = document.getElementById("heading");
    told.textContent = heading;
    told.focus();
  }

  // Whatever the page has no better words for.
  function tell(error) {
    if (error instanceof Refusal && error.status === 429) {
      say(`That was wrong too often. Wait ${wait(error.retryAfterS)} and try again.`);
    } else if (error instanceof Refusal && error.status < 500) {
      say(error.message);
    } else {
      say("That did not work. Please try again in a minute.");
    }
  }

  function wait(seconds) {
    if (!seconds) {
      return "a while";
    }
    return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  }

  return { blame, onSubmit, say, show, tell };
})();
