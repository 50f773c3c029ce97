/** What somebody has typed and not sent yet: it is still there once they have signed in. */

const begins = "draft/";

/** Return what was typed there before. */
export function recall(name: string): string {
  try {
    return sessionStorage.getItem(begins + name) ?? "";
  } catch {
    return "";
  }
}

/** Keep what is typed until the tab is closed; nothing is kept of an empty field. */
export function keep(name: string, words: string): void {
  try {
    if (words === "") {
      sessionStorage.removeItem(begins + name);
    } else {
      sessionStorage.setItem(begins + name, words);
    }
  } catch {
    // Full or forbidden: then it is kept while the page stands.
  }
}

/** Keep none of it any more. */
export function forgetDrafts(): void {
  try {
    for (const name of Object.keys(sessionStorage).filter((one) => one.startsWith(begins))) {
      sessionStorage.removeItem(name);
    }
  } catch {
    // Then nothing was kept either.
  }
}
