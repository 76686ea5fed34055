/**
 * The attempts of a fiber task: its agent's effect, tried again as its schedule says, each attempt with its permit and timeout.
 *
 * Boundary: makes effects; fiberTasks.ts runs them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ContextView } from "../context/contextView.ts"
import { EffectFault } from "../cycle/encodeEffect.ts"
import type { Kind } from "../program/Fact.ts"
import type { View } from "../program/View.ts"
import { typeOf } from "../values/panic.ts"
import { hear } from "../values/plainResult.ts"
import { provided } from "./erased.ts"
import * as Telemetry from "./observability.ts"
import type { Task } from "./task.ts"
import { isRefusal, TimedOut } from "./taskFailure.ts"

/** The agent's view. Its progress names the fact and the attempt of the task. */
const viewOf = (task: Task): View<Kind.Any> => {
  const { view } = task.selected
  return view instanceof ContextView ? ContextView.forTask(view, task) : view
}

/** The effect of an agent. A throw, or a value that is no effect, becomes an effect that dies. */
const executed = (task: Task, view: View<Kind.Any>): Effect.Effect<unknown, unknown> => {
  task.attempt++
  try {
    const effect: unknown = task.selected.agent.executeFiber?.(task.fact, view)
    return Effect.isEffect(effect) ? provided(effect) : Exit.die(noEffect(effect))
  } catch (error) {
    return Exit.die(error)
  }
}

/** The attempts of a task, one after the other, as its agent's schedule says. Agents without a schedule have one attempt. */
export const attempt = (task: Task): Effect.Effect<unknown, unknown> => {
  const { session } = task
  const { retry } = task.selected.agent
  const view = viewOf(task)
  if (retry === undefined && !session.isTraced) return executed(task, view)
  const once = Effect.suspend(() => executed(task, view))
  const retried =
    retry === undefined
      ? once
      : provided(Effect.retry(permitted(task, timed(task, once)), { schedule: retry, while: isWorthAnother }))
  return Telemetry.agentSpan(session.options.services, retried, task)
}

/** Room that was refused is refused again. */
const isWorthAnother = (error: unknown): boolean => !isRefusal(error)

const timed = ({ selected }: Task, once: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> => {
  const { timeoutMs } = selected.agent
  return timeoutMs === undefined
    ? once
    : Effect.timeoutOrElse(once, {
        duration: Duration.millis(timeoutMs),
        orElse: () => Effect.fail(new TimedOut())
      })
}

/** The first attempt starts with its permit. Each attempt gives it back before the schedule waits. */
const permitted = (task: Task, once: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> => {
  const { permit } = task
  if (permit === undefined) return once
  const leave = Effect.sync(() => task.leavePermit())
  const released = Effect.ensuring(once, leave)
  return Effect.suspend(() => (permit.isGiven ? released : Effect.andThen(task.permitAgain, released)))
}

const noEffect = (value: unknown): EffectFault => {
  hear(value)
  return new EffectFault("InvalidEffect", { message: `execute returned ${typeOf(value)}, not an Effect`, stack: "" })
}
