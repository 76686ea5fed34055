/**
 * The time and the chance that plain code meets while it runs in a simulation, and the turns of the event loop that it is given.
 *
 * `Date`, `performance`, `process.hrtime`, `Math.random` and the random values of `crypto` ask the ambience of the code that
 * calls them, also after an `await`: a simulated one, or else that of the process. So a simulation changes nothing for other code
 * of the process. A function that code has captured before, such as `const now = Date.now`, stays that of the process. An
 * ambience is also told of each timer, request or thread that its code begins, because a simulation does not have these.
 *
 * Boundary: owns the replaced globals, for as long as somebody needs them. It decides nothing.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { AsyncLocalStorage, createHook } from "node:async_hooks"
import nodeCrypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"
import process from "node:process"

/** The answers that code gets which runs in it. */
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

/**
 * Replaces members of an object, but for those that it does not let go. Returns a function that gives it its own back, where
 * nobody else has replaced them since.
 */
const replacing = (object: object, members: Readonly<Record<string, PropertyDescriptor>>): (() => void) => {
  const undo = Object.entries(members).map(([name, member]) => {
    const before = Object.getOwnPropertyDescriptor(object, name)
    if (before?.configurable === false) return () => undefined
    Object.defineProperty(object, name, { configurable: true, enumerable: before?.enumerable ?? true, ...member })
    return (): void => {
      const now = Object.getOwnPropertyDescriptor(object, name)
      if (now?.value !== member.value || now?.get !== member.get) return
      if (before === undefined) Reflect.deleteProperty(object, name)
      else Object.defineProperty(object, name, before)
    }
  })
  return () => undo.forEach((one) => one())
}

const pairOf = (ms: number, since: readonly [number, number] | undefined): [number, number] => {
  const nanos = BigInt(Math.round(ms * 1_000)) * 1_000n - (since === undefined ? 0n : nanosOf(since))
  const seconds = nanos >= 0n ? nanos / second : (nanos - second + 1n) / second
  return [Number(seconds), Number(nanos - seconds * second)]
}
const second = 1_000_000_000n
const nanosOf = ([seconds, nanos]: readonly [number, number]): bigint => BigInt(seconds) * second + BigInt(nanos)

/** The clocks that count from an arbitrary moment. In an ambience it is the epoch, so that two runs have the same. */
const replaceClocks = (): (() => void) => {
  const { hrtime } = process
  const { performance } = globalThis
  const realNow = performance.now.bind(performance)
  const realOrigin = performance.timeOrigin
  const ambientHrtime = Object.assign(
    (since?: [number, number]): [number, number] => {
      const nowMs = present.getStore()?.nowMs()
      return nowMs === undefined ? hrtime(since) : pairOf(nowMs, since)
    },
    {
      bigint: (): bigint => {
        const nowMs = present.getStore()?.nowMs()
        return nowMs === undefined ? hrtime.bigint() : BigInt(Math.round(nowMs * 1_000)) * 1_000n
      }
    }
  )
  const undo = [
    replacing(performance, {
      now: { value: () => present.getStore()?.nowMs() ?? realNow(), writable: true },
      timeOrigin: { get: () => (present.getStore() === undefined ? realOrigin : 0) }
    }),
    replacing(process, { hrtime: { value: ambientHrtime, writable: true } })
  ]
  return () => undo.forEach((one) => one())
}

/** Fills bytes with what `random` gives. */
const filled = <A extends ArrayBufferView>(view: A, random: () => number): A => {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  for (let index = 0; index < bytes.length; index++) bytes[index] = Math.floor(random() * 256)
  return view
}

const uuidOf = (random: () => number): `${string}-${string}-${string}-${string}-${string}` => {
  const bytes = filled(new Uint8Array(16), random)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`
}

/** The random values of the global `crypto` and of node:crypto, for what is asked without a callback. */
const replaceCrypto = (): (() => void) => {
  const web = globalThis.crypto
  const realUuid = web.randomUUID.bind(web)
  const { getRandomValues: realValues } = web
  const { randomBytes } = nodeCrypto
  const randomUUID = (options?: nodeCrypto.RandomUUIDOptions): ReturnType<typeof nodeCrypto.randomUUID> => {
    const own = present.getStore()
    return own === undefined ? (options === undefined ? realUuid() : nodeUuid(options)) : uuidOf(own.random)
  }
  const nodeUuid = nodeCrypto.randomUUID
  const getRandomValues = <A extends ArrayBufferView>(view: A): A => {
    const own = present.getStore()
    if (own !== undefined) return filled(view, own.random)
    Reflect.apply(realValues, web, [view])
    return view
  }
  const ambientBytes = (size: number, callback?: (error: Error | null, bytes: Buffer) => void): Buffer | void => {
    const own = present.getStore()
    if (callback !== undefined) return randomBytes(size, callback)
    return own === undefined ? randomBytes(size) : filled(Buffer.alloc(size), own.random)
  }
  const values = {
    randomUUID: { value: randomUUID, writable: true },
    getRandomValues: { value: getRandomValues, writable: true }
  }
  const undo = [
    replacing(web, values),
    replacing(nodeCrypto, { ...values, randomBytes: { value: ambientBytes, writable: true } })
  ]
  return () => undo.forEach((one) => one())
}

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
  const undo = [replaceClocks(), replaceCrypto()]
  // Modules that import these by name have them, too.
  syncBuiltinESMExports()
  hook.enable()
  return () => {
    // Somebody else may have replaced them meanwhile, and restores them later.
    if (globalThis.Date === ambientDate) globalThis.Date = RealDate
    if (Math.random === random) Math.random = realRandom
    undo.forEach((one) => one())
    syncBuiltinESMExports()
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
