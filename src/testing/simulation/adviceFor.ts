/**
 * The advice for a seed that differs: what is wrong, by what it takes to see it. Boundary: pure. The findings of calls of
 * handlers, of signals and of the world outside have words of their own.
 */
import { calledAgain, outlives, runsAgain, tooShort } from "../advice.ts"
import { calm } from "./faults.ts"
import type { Finding } from "./judge.ts"
import type { Schedule } from "./schedule.ts"

/** The place of a difference, as far as it is known. */
interface About extends Pick<Finding, "what"> {
  readonly isMemoized: boolean
  readonly isOfHandler: boolean
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export const adviceFor = ({ isMemoized, isOfHandler, what }: About, schedule: Schedule): string => {
  if (what === "answer" || what === "key" || what === "facts" || what === "outside") return ""
  const { acts, kills, order, pool, store, user = calm.user } = schedule
  if (user.load !== 1) return isOfHandler ? tooShort.replace("Its timeout", "The timeout of the handler") : tooShort
  if (user.random !== 0) return "It goes by random numbers: take them from the input, or from the fact that it works on"
  if (kills.length + store.length + user.handlers.length > 0) {
    return isOfHandler ? calledAgain : capital(runsAgain(isMemoized))
  }
  if (user.aheadMs !== 0) return "It goes by the time: take the time from the input"
  if (order === "seeded" || pool.length > 0 || acts.length > 0) {
    return (
      "It depends on the order in which tasks go on and end, most often through state that they share: take what it needs " +
      "from the view"
    )
  }
  return outlives
}
