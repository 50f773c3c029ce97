/** What a push says, and where it may lead. */

/** What is shown of a push. */
export interface Message {
  readonly title: string;
  readonly body?: string | undefined;
  readonly lang?: string | undefined;
  readonly dir?: NotificationDirection | undefined;
  readonly tag: string;
  readonly navigate?: string | undefined;
  /** What says of which delivery a receipt speaks. */
  readonly receipt?: string | undefined;
}

/** Where whatever leads nowhere of ours leads. */
export const inbox = "/notifications";

/** Every push has to show something (`userVisibleOnly`), or browsers take the permission away. */
export const unreadable: Message = {
  title: "There is something new for you",
  body: "Open it to see what it is.",
  navigate: inbox,
  tag: "unreadable",
};

/** Return the message in a push's JSON; `unreadable` where there is none. */
export function messageOf(text: string): Message {
  try {
    const pushed = JSON.parse(text) as { notification?: Partial<Pushed> } | null;
    const { title, body, lang, dir, tag = "", navigate, data } = pushed?.notification ?? {};
    if (typeof title !== "string" || title === "") {
      return unreadable;
    }
    return { title, body, lang, dir, tag, navigate, receipt: data?.receipt };
  } catch {
    return unreadable;
  }
}

interface Pushed extends Message {
  readonly data: { readonly receipt?: string };
}

/** Return where a notification leads: to the inbox where that would be somewhere of others'. */
export function addressOf(navigate: string | undefined, origin: string): string {
  const home = new URL(inbox, origin);
  try {
    const address = new URL(navigate ?? inbox, origin);
    return address.origin === home.origin ? address.href : home.href;
  } catch {
    return home.href;
  }
}
