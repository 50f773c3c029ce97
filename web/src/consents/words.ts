import { api, call, type Schemas } from "../api/client.ts";
import { language, tag } from "../languages/language.svelte.ts";

export type Consent = Schemas["ConsentOut"];

/** The words of a consent as they are read, and in which language. */
export interface Words {
  readonly text: string;
  /** As BCP 47 has it; it is kept with the consent. */
  readonly language: string;
}

/** Return the words in the language of the page, else in English. */
export function wordsOf({ text, texts }: Pick<Consent, "text" | "texts">): Words {
  for (const one of [tag(), language()]) {
    const found = texts[one];
    if (found !== undefined) {
      return { text: found, language: one };
    }
  }
  return { text, language: "en-GB" };
}

/** Agree to a consent in the words that are shown of it; return how it stands then. */
export function agreeTo(consent: Consent): Promise<Consent> {
  const params = { path: { purpose: consent.purpose } };
  const body = { text_version: consent.text_version, language: wordsOf(consent).language };
  return call(api.PUT("/v1/consents/{purpose}", { params, body }));
}
