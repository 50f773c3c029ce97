/** The language in which people read the app: chosen by them, or by what their browser asks for. */

import en from "./en.json";
import {
  fill,
  type Key,
  type Messages,
  type MessagesOf,
  type Texts,
  type Values,
} from "./messages.ts";
import type entering from "./entering/en.json";
import type inbox from "./messages/en.json";
import type tasks from "./tasks/en.json";
import type you from "./you/en.json";

/** Every language that there is a file of; a new one is a file and a line here. */
const languages = {
  en: { name: "English", tag: "en-GB", dir: "ltr", load: () => Promise.resolve(en as Messages) },
  cy: {
    name: "Cymraeg",
    tag: "cy-GB",
    dir: "ltr",
    load: async (): Promise<Messages> => (await import("./cy.json")).default,
  },
} as const;

export type Language = keyof typeof languages;

/** Texts that nobody sees first, loaded with the pages that say them: a folder of files for each. */
const sections = {
  entering: {
    en: async (): Promise<MessagesOf<typeof entering>> =>
      (await import("./entering/en.json")).default,
    cy: async (): Promise<MessagesOf<typeof entering>> =>
      (await import("./entering/cy.json")).default,
  },
  messages: {
    en: async (): Promise<MessagesOf<typeof inbox>> => (await import("./messages/en.json")).default,
    cy: async (): Promise<MessagesOf<typeof inbox>> => (await import("./messages/cy.json")).default,
  },
  tasks: {
    en: async (): Promise<MessagesOf<typeof tasks>> => (await import("./tasks/en.json")).default,
    cy: async (): Promise<MessagesOf<typeof tasks>> => (await import("./tasks/cy.json")).default,
  },
  you: {
    en: async (): Promise<MessagesOf<typeof you>> => (await import("./you/en.json")).default,
    cy: async (): Promise<MessagesOf<typeof you>> => (await import("./you/cy.json")).default,
  },
} satisfies Record<string, Record<Language, () => Promise<object>>>;

export type Section = keyof typeof sections;

const kept = "language";
let current: Language = $state("en");
/** Those of a section are here once it is open. */
let messages: MessagesOf<Texts> = $state.raw(en as MessagesOf<Texts>);
let open: readonly Section[] = [];

/** The languages there are, each with its own name for itself. */
export const allLanguages = (Object.keys(languages) as Language[]).map((code) => ({
  code,
  ...languages[code],
}));

/** Return the language now. */
export function language(): Language {
  return current;
}

/** Return the language now as a tag (BCP 47), for what depends on the country too. */
export function tag(): string {
  return languages[current].tag;
}

/** Return a text in the language now, with values in the places of their names. */
export function t(key: Key, values: Values = {}): string {
  return fill(messages[key], tag(), values);
}

/** Tell whether there is such a text, for what the service names and may name anew. */
export function knows(key: string): key is Key {
  return key in messages;
}

/** Begin with the language chosen before, else with the first that the browser asks for. */
export async function chooseLanguage(): Promise<void> {
  const asked = [recall(), ...navigator.languages];
  const found = asked.map((one) => one?.split("-")[0]).find(isLanguage);
  try {
    await show(found ?? "en");
  } catch {
    // Its file cannot be had: English is better than nothing.
    await show("en");
  }
}

/** Have the texts of a section here, in this language and in those that are chosen later. */
export async function openSection(section: Section): Promise<void> {
  if (!open.includes(section)) {
    // What cannot be had is not open; once it is here, those that open together are shown together.
    await sections[section][current]();
    open = [...open, section];
    await show(current);
  }
}

/** Load something together with the sections of texts that it says. */
export function within<Loaded>(
  needed: readonly Section[],
  load: () => Promise<Loaded>,
): () => Promise<Loaded> {
  return async () => {
    const [loaded] = await Promise.all([load(), ...needed.map(openSection)]);
    return loaded;
  };
}

/** Change the language, also for the next time. */
export async function changeLanguage(code: Language): Promise<void> {
  await show(code);
  try {
    localStorage.setItem(kept, code);
  } catch {
    // Full or forbidden: then it counts until the page is left.
  }
}

async function show(code: Language): Promise<void> {
  let needed: readonly Section[];
  let found: MessagesOf<Texts>;
  do {
    needed = open;
    found = await read(code, needed);
    // Another section may have been opened meanwhile.
  } while (needed !== open);
  messages = found;
  current = code;
  document.documentElement.lang = languages[code].tag;
  document.documentElement.dir = languages[code].dir;
}

async function read(code: Language, needed: readonly Section[]): Promise<MessagesOf<Texts>> {
  const parts = await Promise.all([
    languages[code].load(),
    ...needed.map((section) => sections[section][code]()),
  ]);
  return Object.assign({}, ...parts) as MessagesOf<Texts>;
}

function recall(): string | null {
  try {
    return localStorage.getItem(kept);
  } catch {
    return null;
  }
}

function isLanguage(code: string | undefined): code is Language {
  return code !== undefined && code in languages;
}
