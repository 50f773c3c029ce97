/** Return the address of a website if it is one; imports take whatever their source has. */
export function webAddress(told: string | null): string | null {
  return told !== null && /^https?:\/\/[^\s]+$/.test(told) ? told : null;
}
