// What a profile is to be, as it is put together on the screen: pure, so that its rules are tested without one.

import type { AgeClass, Profile, ProfileWish, UiLanguage } from "../../api/types";

export const AGES: readonly AgeClass[] = [0, 10, 12, 16, 18];
/** The highest age class of a children's profile, as the server has it. */
export const KIDS_MOST = 12;
export const NAME_MOST = 24;

export function wishOf(profile: Profile | null, color: string, language: UiLanguage): ProfileWish {
  if (!profile) return { name: "", color, avatar: "", language, age_class: 18, kids: false };
  const { name, avatar, age_class, kids } = profile;
  return { name, color: profile.color, avatar, language: profile.language, age_class, kids };
}

/** A children's profile is for children: the one choice draws the other after it. */
export function withAge(wish: ProfileWish, age: AgeClass): ProfileWish {
  return { ...wish, age_class: age, kids: wish.kids && age <= KIDS_MOST };
}

export function withKids(wish: ProfileWish, kids: boolean): ProfileWish {
  return { ...wish, kids, age_class: kids && wish.age_class > KIDS_MOST ? 10 : wish.age_class };
}

/** A name begins with a capital, also from a keyboard that has none. */
export function named(wish: ProfileWish, name: string): ProfileWish {
  const [head = "", ...rest] = [...name.replace(/^\s+/, "")];
  return { ...wish, name: [head.toLocaleUpperCase(), ...rest].slice(0, NAME_MOST).join("") };
}

/** What was changed; the server asks for the PIN where an age class or the children's flag is among it. */
export function changesOf(profile: Profile, wish: ProfileWish): Partial<ProfileWish> {
  const fields = Object.entries(wish).filter(([field, value]) => profile[field as keyof ProfileWish] !== value);
  return Object.fromEntries(fields) as Partial<ProfileWish>;
}

export function asksPin(hasPin: boolean, profile: Profile | null, wish: ProfileWish): boolean {
  if (!hasPin) return false;
  return profile === null || profile.age_class !== wish.age_class || profile.kids !== wish.kids;
}
