import { describe, expect, test } from "vitest";
import cy from "./cy.json";
import en from "./en.json";
import enteringCy from "./entering/cy.json";
import enteringEn from "./entering/en.json";
import { fill } from "./messages.ts";
import messagesCy from "./messages/cy.json";
import messagesEn from "./messages/en.json";
import tasksCy from "./tasks/cy.json";
import tasksEn from "./tasks/en.json";
import youCy from "./you/cy.json";
import youEn from "./you/en.json";

type Some = Record<string, string | object>;

/** Each file of a language beside the English one. */
const others: [string, Some, Some][] = [
  ["cy", cy, en],
  ["cy", enteringCy, enteringEn],
  ["cy", messagesCy, messagesEn],
  ["cy", tasksCy, tasksEn],
  ["cy", youCy, youEn],
];

/** The names in braces, of all forms together. */
function namesIn(message: string | object): string[] {
  const forms = typeof message === "string" ? [message] : Object.values(message);
  const names = forms.flatMap((form) =>
    [...String(form).matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
  );
  return [...new Set(names as string[])].sort();
}

describe.each(others)("%s", (tag, messages, english) => {
  test("says what English says, and nothing besides", () => {
    expect(Object.keys(messages)).toEqual(Object.keys(english));
  });

  test("names the same values as English", () => {
    for (const [key, message] of Object.entries(english)) {
      expect(namesIn(messages[key] ?? ""), key).toEqual(namesIn(message));
    }
  });

  test("has a text for each form of its numbers", () => {
    const forms = new Intl.PluralRules(tag).resolvedOptions().pluralCategories.toSorted();
    for (const [key, message] of Object.entries(messages)) {
      if (typeof message !== "string") {
        expect(Object.keys(message).toSorted(), key).toEqual(forms);
      }
    }
  });
});

test("no two files have the same text", () => {
  const keys = [en, enteringEn, messagesEn, tasksEn, youEn].flatMap((file) => Object.keys(file));
  expect(new Set(keys).size).toBe(keys.length);
});

test("a number chooses its form and is written as the language writes it", () => {
  const found = en["near.found"];
  expect(fill(found, "en-GB", { count: 1 })).toBe("1 place near you");
  expect(fill(found, "en-GB", { count: 1200 })).toBe("1,200 places near you");
  expect(fill(cy["near.found"], "cy-GB", { count: 2 })).toBe("2 le yn eich ymyl");
});

test("what is filled in is not looked through for names", () => {
  expect(fill("“{text}” {count}", "en-GB", { text: "{count}", count: 3 })).toBe("“{count}” 3");
});
