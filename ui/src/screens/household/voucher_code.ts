// A voucher's code as it is typed: twenty of the letters that nobody mistakes for another (members/voucher_codes.py), in fours.

export const VOUCHER_LETTERS = "23456789CDFGHJKMNPQRTVWXY";
export const VOUCHER_LENGTH = 20;
/** Five lines of five: any letter is at most four keys away in each direction. */
export const VOUCHER_COLUMNS = 5;
const GROUP = 4;

/** What is there after more was typed or pasted: small letters count, and all that can stand in no code is left out. */
export function codeOf(text: string): string {
  return [...text.toUpperCase()].filter((letter) => VOUCHER_LETTERS.includes(letter)).slice(0, VOUCHER_LENGTH).join("");
}

/** "C7DF9GHJ" -> "C7DF-9GHJ". */
export function grouped(code: string): string {
  return code.match(new RegExp(`.{1,${GROUP}}`, "g"))?.join("-") ?? "";
}
