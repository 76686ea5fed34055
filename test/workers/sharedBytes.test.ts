/** Large binary values: in shared memory, the same on every thread, copied to none. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { Fact, Limits } from "../../src/index.ts"
import { putBack, takeOut } from "../../src/values/sharedBytes.ts"
import { ReplicaUpdate, origin } from "../../src/workers/replicaUpdate.ts"
import { Replica } from "../../src/workers/replica.ts"
import { batch, effectOf, execute, newLedger, pool, program, put, said, task } from "../support/workers/harness.ts"
import { Binary, Item } from "../support/workers/programs.ts"
import { eraseKind } from "../../src/program/erased.ts"

const large = Limits.sharedBytes

const binary = (name: string, length: number, at?: Uint8Array) => ({
  name,
  bytes: new Uint8Array(length).fill(1),
  at: Option.fromUndefinedOr(at)
})

const codec = eraseKind(Binary).codec

const valueOf = (name: string, length: number, at?: Uint8Array) =>
  codec.encode(binary(name, length, at)).value as ReturnType<typeof binary>

const isShared = (bytes: Uint8Array) => bytes.buffer instanceof SharedArrayBuffer

describe("a committed value", () => {
  it("has its large arrays in shared memory, and its small ones not", () => {
    expect(isShared(valueOf("a", large).bytes)).toBe(true)
    expect(isShared(valueOf("a", large - 1).bytes)).toBe(false)
    const both = valueOf("a", 20, new Uint8Array(large).fill(9))
    expect([isShared(both.bytes), isShared(Option.getOrThrow(both.at))]).toEqual([false, true])
    expect([both.bytes[0], Option.getOrThrow(both.at)[large - 1]]).toEqual([1, 9])
    expect(Object.isFrozen(both)).toBe(true)
  })

  it("comes apart and together again, whatever else is in it", () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(4))
    const floats = new Float64Array(new SharedArrayBuffer(16))
    const value = { z: [new Uint8Array(2), bytes, { floats }], a: "text", some: Option.some(bytes) }
    const taken = takeOut(value)!
    expect(taken.parts.map(([place]) => place)).toEqual([1, 2, 3])
    const rest = taken.rest as typeof value
    expect([(rest.z[1] as Uint8Array).length, (rest.z[0] as Uint8Array).length]).toEqual([0, 2])
    const whole = putBack(taken.rest, taken.parts) as typeof value
    expect(whole).toEqual(value)
    expect((whole.z[1] as Uint8Array).buffer).toBe(bytes.buffer)
    expect((whole.z[2] as { floats: Float64Array }).floats).toBe(floats)
    expect(Option.isSome(whole.some) && whole.some.value).toBe(bytes)
    expect(takeOut({ a: new Uint8Array(10) })).toBeUndefined()
  })

  it("keeps one text, whether its bytes are shared or not", () => {
    const found = codec.encode(binary("a", large))
    expect(codec.encode(found.value).text).toBe(found.text)
    expect(codec.decode(found.text)).toEqual(found.value)
  })
})

describe("a kind whose values depend on their bytes", () => {
  const Png = Schema.Struct({ png: Schema.Uint8Array }).pipe(
    Schema.decodeTo(
      Schema.Struct({ png: Schema.Uint8Array, size: Schema.Number }),
      SchemaTransformation.transform({
        decode: ({ png }) => ({ png, size: png.length }),
        encode: ({ png }) => ({ png })
      })
    )
  )
  const Either = Schema.Union([
    Schema.Struct({ few: Schema.Uint8Array.check(Schema.makeFilter((bytes) => bytes.length < 10)) }),
    Schema.Struct({ few: Schema.Uint8Array, many: Schema.Literal(true) })
  ])
  class Held extends Schema.Class<Held>("Held")({ bytes: Schema.Uint8Array }) {
    readonly #secret = 42
    get secret(): number {
      return this.#secret
    }
  }

  it.each([
    ["by a transformation", Png, { png: new Uint8Array(large).fill(3), size: large }],
    ["by a choice between shapes", Either, { few: new Uint8Array(large).fill(3), many: true }],
    ["by a class of its own", Schema.Struct({ held: Held }), { held: new Held({ bytes: new Uint8Array(large) }) }]
  ])("%s travels whole", (_, schema, value) => {
    const { parts, ...rest } = eraseKind(Fact.kind("K", { schema, id: () => "" })).codec
    const encoded = rest.encode(value)
    expect(encoded.value).toEqual(value)
    expect(parts?.takeOut(encoded.value)).toBeUndefined()
    if ("held" in (encoded.value as object)) expect((encoded.value as { held: Held }).held.secret).toBe(42)
  })

  it("or does not stand that they are taken out, travels whole, too", () => {
    const Matrix = Schema.declare((value: unknown): value is Float64Array => value instanceof Float64Array, {
      toCodecJson: () =>
        Schema.link<Float64Array>()(
          Schema.Array(Schema.Number),
          SchemaTransformation.transform({
            decode: (numbers): Float64Array => Float64Array.from(numbers),
            encode: (matrix) => {
              if (matrix.length === 0) throw new Error("a matrix is not empty")
              return [...matrix]
            }
          })
        )
    })
    const codec = eraseKind(Fact.kind("M", { schema: Schema.Struct({ m: Matrix }), id: () => "" })).codec
    const { value } = codec.encode({ m: new Float64Array(large).fill(0.5) })
    expect(codec.parts?.takeOut(value)).toBeUndefined()
  })
})

describe("a worker", () => {
  it("is sent a large array by reference: neither its text nor its bytes", () => {
    const ledger = newLedger()
    put(ledger, Binary, binary("a", 1_000_000, new Uint8Array(20)))
    put(ledger, Binary, binary("b", 20))
    const update = new ReplicaUpdate(ledger, program, origin)
    const packet = update.packet(0)!
    expect(packet.texts.length).toBeLessThan(1_000)
    expect(update.packet(1)).toBeUndefined()
    const replica = new Replica(program)
    replica.apply(structuredClone(packet))
    const [before, after] = [ledger.all(Binary), replica.ledger.all(Binary)]
    expect(after).toEqual(before)
    expect(Object.isFrozen(after[0]!.value)).toBe(true)
    before[0]!.value.bytes[5] = 77
    expect(after[0]!.value.bytes[5]).toBe(77)
  })

  it.live("works on the very bytes of the main thread", () =>
    Effect.gen(function* () {
      const ledger = newLedger()
      put(ledger, Binary, binary("a", 1_000_000))
      const [outcome] = yield* execute(batch(ledger, [task("increment")]))
      expect(said(outcome!)).toEqual([[1_000_000, 2, "a"]])
      const [fact] = ledger.all(Binary)
      expect([fact!.value.bytes[0], fact!.value.bytes[999_999]]).toEqual([2, 2])
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("gives large arrays back as it would inline", () =>
    Effect.gen(function* () {
      const ledger = newLedger()
      put(ledger, Item, { id: "x", size: 300_000 })
      const run = execute(batch(ledger, [task("makeBytes", "x")])).pipe(Effect.map(([it]) => effectOf(it!).facts[0]!))
      const pooled = yield* run
      const inline = yield* Effect.provide(run, pool(0))
      expect(pooled.text).toBe(inline.text)
      expect(pooled.value).toEqual(inline.value)
      expect(isShared((pooled.value as ReturnType<typeof binary>).bytes)).toBe(true)
    }).pipe(Effect.provide(pool(1)))
  )
})
