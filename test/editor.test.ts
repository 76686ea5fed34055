/**
 * Types as an editor and the compiler show them: a class of a kind gives its name to the values, and an error says the name. The
 * declarations that the compiler writes have the text that an editor shows of an inferred type.
 */
import { beforeAll, describe, expect, it } from "vitest"
import { type Compiled, compile } from "./support/compile.ts"

const kinds = `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, type JobContext, Program, type View } from "effect-converge"

export const UrlId = Schema.String.pipe(Schema.brand("UrlId"))
export class Url extends Fact.Kind("Url", {
  schema: Schema.Struct({ url: Schema.String, depth: Schema.Finite }),
  id: ({ url }) => url,
  indexes: { depth: ({ depth }) => depth }
}) {}
export class Page extends Fact.Kind("Page", { schema: Schema.Struct({ url: UrlId }), id: ({ url }) => url }) {}
declare const view: View.View<typeof Url | typeof Page>
declare const context: JobContext.JobContext
`

/** The declared type of an exported constant. */
const typeOf = ({ declarations }: Compiled, name: string): string | undefined =>
  new RegExp(`export declare const ${name}: ([^;]*);`).exec(declarations)?.[1]

describe("an inferred type", () => {
  const exported: Readonly<Record<string, readonly [code: string, type: string]>> = {
    all: ["view.all(Url)", 'readonly Fact.Fact<"Url", Url>[]'],
    delta: ["view.delta(Url)", 'readonly Fact.Fact<"Url", Url>[]'],
    by: ['view.by(Url, "depth", 1)', 'readonly Fact.Fact<"Url", Url>[]'],
    kept: ["context.all(Url)", 'readonly Fact.Fact<"Url", Url>[]'],
    value: ["view.all(Url)[0]!.value", "Url"],
    proposal: ['Url.of({ url: "a", depth: 1 })', 'Fact.Proposal<"Url", Url>'],
    ref: ['Url.ref("a")', 'Fact.FactRef<"Url", string>'],
    branded: ["view.all(Page)[0]!.value", "Page"],
    agent: [
      'Agent.make("fetch", { each: Url, writes: [Page], execute: () => Effect.succeed({}) })',
      'Agent.Agent<"fetch", typeof Url, typeof Page, never, never>'
    ],
    program: [
      'Program.make("p", { input: Schema.String, agents: [agent], output: (all) => all.all(Url) })',
      'Program.Program<"p", string, readonly Fact.Fact<"Url", Url>[], never, never, typeof Url | typeof Page, never, false>'
    ]
  }
  let compiled: Compiled
  beforeAll(() => {
    const constants = Object.entries(exported).map(([name, [code]]) => `export const ${name} = ${code}`)
    compiled = compile(`${kinds}${constants.join("\n")}\n`)
  })

  it.each(Object.entries(exported))("says the name of the class: %s", (name, [, type]) => {
    expect(compiled.stdout).toBe("")
    expect(typeOf(compiled, name)).toBe(type)
  })
})

describe("an error of the compiler", () => {
  const errors: Readonly<Record<string, readonly [code: string, ...says: ReadonlyArray<string>]>> = {
    "a missing field": ['Url.of({ url: "a" })', "'depth'", "required in type 'Url'"],
    "another kind": [
      'Agent.make("a", { writes: [Url], execute: () => Effect.succeed({ facts: [Page.of({ url: UrlId.make("a") })] }) })',
      `'Proposal<"Page", Page>'`,
      `'Proposal<"Url", Url>'`
    ],
    "a text that is no id": ['view.get(Page, "a")', `'string & Brand<"UrlId">'`],
    "an instance": ["new Url()", "Expected 1 arguments"],
    "an instance of a value": ['new Url({ url: "a", depth: 1 })', "'NoInstances'"]
  }
  let compiled: Compiled
  beforeAll(() => {
    const constants = Object.values(errors).map(([code], index) => `export const c${index} = ${code}`)
    compiled = compile(`${kinds}${constants.join("\n")}\n`)
  })

  it.each(Object.entries(errors))("says the name and not the structure: %s", (_, [code, ...says]) => {
    const line = kinds.split("\n").length + Object.values(errors).findIndex(([other]) => other === code)
    const reports = compiled.stdout.split(/^(?=\S*example\.ts\()/m)
    const report = reports.find((text) => text.includes(`example.ts(${line},`))
    for (const text of says) expect(report).toContain(text)
    expect(report).not.toContain("readonly depth: number")
  })
})
