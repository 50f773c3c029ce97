// What the pages are made with, and how they speak.

export const element = (id) => document.getElementById(id);

export function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function say(text) {
  element("message").textContent = text;
}

export function when(instant) {
  const text = new Date(instant).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return make("time", { dateTime: instant, textContent: text });
}

export function tell(error) {
  say(error instanceof Refusal ? error.message : "That did not work: the service does not answer. Please try again.");
}

// Run what a button stands for, once at a time, and say so if it fails.
export function onClick(button, work, explain = tell) {
  button.addEventListener("click", async () => {
    if (button.ariaBusy === "true") {
      return;
    }
    button.ariaBusy = "true";
    say("");
    try {
      await work();
    } catch (error) {
      await explain(error);
    } finally {
      button.ariaBusy = "false";
    }
  });
}
