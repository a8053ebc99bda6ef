// How a plan stands, and what it gives and costs, in words. Pure: screens draw what this says.

import type { Day, HomePlan, PlanLimits } from "../../api/types";
import type { Words } from "../../base/i18n";

/** One sentence: whether it plays, up to when, and what can be done. */
export function stateTold(plan: HomePlan, words: Words): string {
  const { t, date } = words;
  const seller = plan.operator ?? plan.service_name;
  switch (plan.state) {
    case "active":
      return t("myPlan.active");
    case "pending":
      if (plan.waits_for === "link") return t("myPlan.pendingLink", { seller });
      return plan.until ? t("myPlan.pendingOn", { date: date(plan.until) }) : t("myPlan.pendingOther");
    case "ending":
      return plan.until ? t("myPlan.ending", { date: date(plan.until) }) : t("myPlan.endingNoDay");
    case "suspended":
      return t("myPlan.suspended", { seller });
    case "grace": {
      const until = plan.due?.grace_until ?? plan.until;
      if (!plan.due || !until) return t("myPlan.grace", { seller });
      return t("myPlan.due", { price: words.money(plan.due.amount), date: date(until) });
    }
    case "revoked":
      return t("myPlan.revoked", { seller, date: date(plan.since) });
    default:
      return t("myPlan.over", { date: date(plan.since) });
  }
}

/** Who is paid, what, and when next. What is over costs nothing, and is told no price. */
export function billTold(plan: HomePlan, words: Words): string[] {
  const { t, date, money } = words;
  if (plan.state === "ended" || plan.state === "cancelled" || plan.state === "revoked") return [];
  const ours = plan.seller === "us";
  const paid = ours ? t("myPlan.paidUs", { service: plan.service_name }) : t("myPlan.paidOperator", { operator: plan.operator ?? "" });
  const told = [paid];
  if (plan.price) told.push(t(ours ? "myPlan.price" : "myPlan.billed", { price: money(plan.price) }));
  if (plan.trial_until) told.push(t("myPlan.trial", { date: date(plan.trial_until) }));
  if (plan.next_charge) told.push(t("myPlan.next", { date: date(plan.next_charge) }));
  return told;
}

export function limitsTold(limits: PlanLimits, { t }: Words): string {
  const height = limits.max_height === null ? t("myPlan.noHeight") : t("myPlan.height", { n: limits.max_height });
  return `${t("myPlan.streams", { n: limits.streams })}, ${height}`;
}

/** That the plan gives less than the one before; null where it does not. */
export function loweredTold(plan: HomePlan, words: Words): string | null {
  const before = plan.lowered_from;
  if (!before) return null;
  return words.t("myPlan.lowered", { date: words.date(plan.since), name: before.name, gave: limitsTold(before, words) });
}

/** The day before: an invoice's line ends on the day before the next one begins. */
export function dayBefore(day: Day): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
