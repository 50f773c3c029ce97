import type en from "./en.json";
import type entering from "./entering/en.json";
import type inbox from "./messages/en.json";
import type tasks from "./tasks/en.json";
import type you from "./you/en.json";

/** A text for each form that a language has of numbers; `other` is the one for all else. */
type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** Every text there is, those of sections too. */
export type Texts = typeof en & typeof entering & typeof inbox & typeof tasks & typeof you;
export type Key = keyof Texts;

/** A language's texts; one that lacks a text of English's, or its forms, does not pass the check. */
export type MessagesOf<English> = {
  readonly [Name in keyof English]: English[Name] extends string ? string : Plural;
};
export type Messages = MessagesOf<typeof en>;

export type Values = Readonly<Record<string, string | number>>;

/** Fill a text in: `{count}` also chooses the form that goes with the number. */
export function fill(message: string | Plural, tag: string, values: Values): string {
  return chosen(message, tag, values["count"]).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return typeof value === "number" ? numberIn(tag, value) : (value ?? whole);
  });
}

function chosen(message: string | Plural, tag: string, count: string | number | undefined): string {
  if (typeof message === "string") {
    return message;
  }
  return message[new Intl.PluralRules(tag).select(Number(count))] ?? message.other;
}

function numberIn(tag: string, value: number): string {
  return new Intl.NumberFormat(tag).format(value);
}
