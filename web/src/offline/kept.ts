/** By which cache the service worker keeps answers. */
export const answersCache = "answers";

/** The header by which the service worker says since when it has had an answer; fresh ones lack it. */
export const keptHeader = "X-Kept-At";

/** What a page that the service worker has not taken asks of it. */
export const takeThisPage = "take this page";
