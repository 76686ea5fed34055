/**
 * The canonical text of a committed cycle, which the hash covers (H1, H2).
 *
 * Boundary: pure.
 */
import { textOf } from "./canonical.ts"
import type { Row } from "./referred.ts"
import type { Outcome, Ref } from "./state.ts"

const eachOf = (each: Ref | undefined) => (each === undefined ? undefined : [each.kind, each.id])

const outcomeOf = ({ agent, answers, cause, each, effect }: Outcome) => ({
  agent,
  each: eachOf(each),
  answers:
    answers === undefined
      ? undefined
      : {
          agent: answers.agent,
          cycle: answers.cycle,
          each: eachOf(answers.each),
          index: answers.index,
          kind: answers.kind
        },
  ...(effect === undefined
    ? { discarded: cause?._tag }
    : {
        evaluations: effect.evaluations,
        facts: effect.facts.map(({ because, kind, value }) => ({ because, kind, value })),
        intents: effect.intents
      })
})

export const rowTextOf = ({ cycle, outcomes, signals, tier, violations }: Row): string =>
  textOf({
    cycle,
    outcomes: outcomes.map(outcomeOf),
    signals: signals.map(outcomeOf),
    tier,
    violations: violations.map(({ value }) => value)
  })
