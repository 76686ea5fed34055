/**
 * The time and the chance that plain code meets while it runs in a simulation, and the turns of the event loop that it is given.
 *
 * `Date` and `Math.random` ask the ambience of the code that calls them, also after an `await`: a simulated one, or else that of
 * the process. So a simulation changes nothing for other code of the process. An ambience is also told of each timer, request or
 * thread that its code begins, because a simulation does not have these.
 *
 * Boundary: owns the replaced globals, for as long as somebody needs them. It decides nothing.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { AsyncLocalStorage, createHook } from "node:async_hooks"
import process from "node:process"

/** What code that runs in it is told. */
export interface Ambience {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number
  /** Called when code begins something that the process ends: the type that Node gives it, and its handle. */
  readonly began: (type: string, handle: object) => void
}

const present = new AsyncLocalStorage<Ambience>()

/** The ambience of the code that asks; undefined for that of the process. */
export const ambience = (): Ambience | undefined => present.getStore()

/** Runs a function in an ambience. Its promises and its fibers stay in it. */
export const inAmbience = <A>(own: Ambience, body: () => A): A => present.run(own, body)

/* ---------------------------------------------------------------- the globals */

const hook = createHook({
  init: (_, type, __, handle) => present.getStore()?.began(type, handle),
  // Promises are many, and are no handles of the process.
  trackPromises: false
})

const replaceGlobals = (): (() => void) => {
  const RealDate = globalThis.Date
  const realRandom = Math.random
  const now = (): number => present.getStore()?.nowMs() ?? RealDate.now()
  const random = (): number => present.getStore()?.random() ?? realRandom()
  const ambientDate = new Proxy(RealDate, {
    construct: (target, args: ReadonlyArray<unknown>, made): Date =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, made) as Date,
    apply: (): string => String(Reflect.construct(RealDate, [now()])),
    get: (target, key): unknown => (key === "now" ? now : Reflect.get(target, key))
  })
  globalThis.Date = ambientDate
  Math.random = random
  hook.enable()
  return () => {
    // Somebody else may have replaced them meanwhile, and restores them later.
    if (globalThis.Date === ambientDate) globalThis.Date = RealDate
    if (Math.random === random) Math.random = realRandom
    hook.disable()
  }
}

let users = 0
let restore = (): void => undefined

/** Lets plain code meet its ambience while the scope is open. */
export const withAmbience: Effect.Effect<void, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    if (users++ === 0) restore = replaceGlobals()
  }),
  () =>
    Effect.sync(() => {
      if (--users === 0) restore()
    })
)

/* ---------------------------------------------------------------- turns */

/** Waits until no promise that has what it waits for has anything left to do. No timer, message or answer comes meanwhile. */
export const settledPromises: Effect.Effect<void> = Effect.callback((resume) => {
  // The queue of promises is empty when a tick runs that one of them asked for.
  process.nextTick(() => queueMicrotask(() => process.nextTick(() => resume(Effect.void))))
})

/** Lets the event loop have one real turn. */
export const realTurn: Effect.Effect<void> = Effect.callback((resume) => {
  const handle = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(handle))
})
