/**
 * Types of kinds and facts. Checked by `tsc`, never run: a line under `@ts-expect-error` that compiles is an error.
 */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { Fact, type View } from "../../src/index.ts"
import type { Assert, Same } from "./assert.ts"

export const Source = Fact.kind("Source", {
  schema: Schema.Struct({ path: Schema.String, size: Schema.Finite }),
  id: (source) => source.path,
  conflict: (a, b) => (a.size > b.size ? a : b)
})

/** Its value is of another type than its encoding. */
const Stamp = Fact.kind("Stamp", {
  schema: Schema.Struct({ at: Schema.DateTimeUtc }),
  id: (stamp) => DateTime.formatIso(stamp.at)
})

export type Checks = [
  Assert<Same<(typeof Source)["name"], "Source">>,
  Assert<Same<Fact.Kind.Value<typeof Source>, { readonly path: string; readonly size: number }>>,
  Assert<Same<Fact.Kind.Value<typeof Stamp>, { readonly at: DateTime.Utc }>>,
  Assert<Same<Fact.FactOf<typeof Source | typeof Stamp>["kind"], "Source" | "Stamp">>,
  // A union of kinds gives a union of proposals, not proposals of a union.
  Assert<
    Same<
      Fact.ProposalOf<typeof Source | typeof Stamp>,
      | Fact.Proposal<"Source", { readonly path: string; readonly size: number }>
      | Fact.Proposal<"Stamp", { readonly at: DateTime.Utc }>
    >
  >
]

Source.of({ path: "a", size: 1 })
// @ts-expect-error: a field of another type
Source.of({ path: "a", size: "1" })
// @ts-expect-error: a field is missing
Source.of({ path: "a" })
// @ts-expect-error: a field too many
Source.of({ path: "a", size: 1, extra: true })
// @ts-expect-error: the value, not its encoding
Stamp.of({ at: "2026-11-21T00:00:00Z" })

// @ts-expect-error: an id is a text
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: (value) => value.n })
// @ts-expect-error: there is no such field to identify it by
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: (value) => value.m })
// @ts-expect-error: no such conflict rule
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: () => "", conflict: "keepBest" })
// @ts-expect-error: a combining function gives a value of the kind
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: () => "", conflict: (a, b) => a.n + b.n })
// @ts-expect-error: an id is there at once
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: async () => "" })
// @ts-expect-error: a combining function is a plain function
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: () => "", conflict: async (a) => a })
// @ts-expect-error: no such retention
Fact.kind("K", { schema: Schema.Struct({ n: Schema.Finite }), id: () => "", retention: { last: 3 } })

declare const fact: Fact.FactOf<typeof Source>
// @ts-expect-error: facts are read-only
fact.value = { path: "b", size: 2 }
// @ts-expect-error: values are read-only
fact.value.size = 2
// @ts-expect-error: provenance is read-only
fact.provenance.cycle = 2

// @ts-expect-error: a kind of one value is no kind of another
const other: Fact.Kind<"Source", { readonly path: string }> = Source
void other

/* ---------------------------------------------------------------- indexes */

const Tagged = Fact.kind("Tagged", {
  schema: Schema.Struct({
    tags: Schema.Array(Schema.String),
    size: Schema.Finite,
    state: Schema.Literals(["on", "off"])
  }),
  id: ({ tags }) => tags.join(),
  indexes: {
    tag: ({ tags }) => tags,
    isLarge: ({ size }) => size > 3,
    size: (value) => value.size,
    state: ({ state }) => state
  }
})
declare const tagged: View.View<typeof Tagged | typeof Stamp>

export type IndexChecks = [
  Assert<Same<Fact.Kind.Keys<typeof Tagged>, { tag: string; isLarge: boolean; size: number; state: "on" | "off" }>>,
  Assert<Same<ReturnType<typeof byTag>, ReadonlyArray<Fact.FactOf<typeof Tagged>>>>
]
const byTag = () => tagged.by(Tagged, "tag", "x")
tagged.by(Tagged, "isLarge", true)
tagged.by(Tagged, "state", "on")
// @ts-expect-error: an index that the kind does not have
tagged.by(Tagged, "tags", "x")
// @ts-expect-error: a key of another type
tagged.by(Tagged, "size", "3")
// @ts-expect-error: a key that no value has
tagged.by(Tagged, "state", "broken")
// @ts-expect-error: a kind without indexes
tagged.by(Stamp, "at", "x")
// @ts-expect-error: a kind that the view does not show
tagged.by(Source, "path", "x")
Fact.kind("K", {
  schema: Schema.Struct({ n: Schema.Finite }),
  id: ({ n }) => String(n),
  // @ts-expect-error: a field that the values do not have
  indexes: { m: ({ m }) => m }
})
Fact.kind("K", {
  schema: Schema.Struct({ n: Schema.Finite }),
  id: ({ n }) => String(n),
  // @ts-expect-error: what is no key
  indexes: { n: ({ n }) => ({ n }) }
})

/* ---------------------------------------------------------------- reasons */

declare const source: Fact.FactOf<typeof Source>
export const reasoned: Fact.ProposalOf<typeof Source> = Source.of({ path: "a", size: 1 }, { because: [source] })
export const mapped: ReadonlyArray<Fact.ProposalOf<typeof Source>> = [{ path: "a", size: 1 }].map(Source.of)
// @ts-expect-error: reasons are facts, not their ids
Source.of({ path: "a", size: 1 }, { because: ["Source/a"] })

/* ---------------------------------------------------------------- lawful rules */

const Ranked = Schema.Struct({ n: Schema.Finite, tags: Schema.Array(Schema.String) })
// The value that a rule ranks by is typed by the schema.
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.max((value) => value.n) })
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.min(({ tags }) => tags.length) })
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.union("tags") })
// @ts-expect-error: there is no such field to rank by
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.max((value) => value.m) })
// @ts-expect-error: a value is not ranked by a list
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.max((value) => value.tags) })
// @ts-expect-error: a number has no union
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.union("n") })
// @ts-expect-error: there is no such field
Fact.kind("K", { schema: Ranked, id: ({ n }) => String(n), conflict: Fact.union("tag") })
