import type { Schemas } from "../api/client.ts";

/** How a person stands to something that they may agree to. */
export type Standing =
  | { readonly is: "asked" }
  | { readonly is: "agreed"; readonly since: string }
  /** To words that others have taken the place of. */
  | { readonly is: "older"; readonly since: string }
  | { readonly is: "stopped"; readonly at: string };

/** Return whether a person agrees now, and to the words of now. */
export function standingOf(consent: Schemas["ConsentOut"]): Standing {
  const { agreed_version, given_at, text_version, withdrawn_at } = consent;
  if (given_at !== null) {
    return { is: agreed_version === text_version ? "agreed" : "older", since: given_at };
  }
  return withdrawn_at === null ? { is: "asked" } : { is: "stopped", at: withdrawn_at };
}
