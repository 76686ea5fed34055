/** The OpenAPI document is the contract: requests that are made from it are not refused for their shape. */
import { mkdtempSync, rmSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { randomOf } from "../support/core/random.ts"
import { rounds } from "../support/rounds.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { asks, count, fails, takesJson, waiting } from "../support/server/programs.ts"

type Json = Readonly<Record<string, unknown>>

interface Parameter {
  readonly in: "path" | "query" | "header"
  readonly name: string
  readonly required: boolean
  readonly schema: Json
}

interface Operation {
  readonly parameters: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Json } } }
  readonly responses: Readonly<
    Record<string, { readonly headers?: Json; readonly content?: Readonly<Record<string, unknown>> }>
  >
}

interface Document {
  readonly servers: ReadonlyArray<{ readonly url: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

let running: Running
let document: Document
beforeAll(async () => {
  running = await serve({ programs: [count, fails, takesJson, waiting], maxSignalFacts: 100_000 })
  document = (await jsonOf(await running.fetch("/openapi.json"))) as unknown as Document
  await running.post("/api/v1/jobs", { program: "count", input: { to: 3 }, id: "there" })
})
afterAll(() => running.stop())

/** Requests to each operation. */
const perOperation = rounds(12, 40)

const random = randomOf(20_261_129)
const pick = <A>(items: ReadonlyArray<A>): A => items[random.below(items.length)]!

/** Texts that a pattern of the document is to match; the document has few patterns, and each must take one of these. */
const texts = [
  "",
  "a",
  "...",
  "order 17",
  "é漢😀",
  "~!@$^&*()[]{}|'\"<>,=+",
  "x".repeat(200),
  "0",
  "17",
  "999999999999999",
  "1700000000000:job-1",
  "1700000000000:0:5:job-1",
  "1700000000000-17",
  "5 seconds",
  "1.5 minutes",
  "0 millis",
  "2 days",
  "1h30m",
  "unlimited",
  "999999999999999 weeks",
  "key with spaces inside",
  '"\\ud800 \\" é"',
  "!~"
]

const textOf = ({ maxLength = 1_000, minLength = 0, pattern = "" }: Json): string => {
  const fit = texts.filter(
    (text) =>
      new RegExp(String(pattern), "u").test(text) &&
      text.length >= Number(minLength) &&
      text.length <= Number(maxLength)
  )
  if (fit.length === 0) throw new Error(`no text for the pattern ${String(pattern)}`)
  return pick(fit)
}

const wholeOf = ({ maximum = Number.MAX_SAFE_INTEGER, minimum = 0 }: Json): number =>
  pick([Number(minimum), Number(maximum), Math.min(Number(maximum), Number(minimum) + random.below(1_000))])

const anyJson = (depth = 2): unknown =>
  pick<() => unknown>([
    () => null,
    () => 1.5,
    () => "text",
    () => true,
    () => (depth > 0 ? [anyJson(depth - 1)] : []),
    () => (depth > 0 ? { field: anyJson(depth - 1) } : {})
  ])()

/** A value of a schema of the document. */
const valueOf = (schema: Json): unknown => {
  const { $ref, additionalProperties, anyOf, enum: choices, items, properties, required = [], type } = schema
  if (typeof $ref === "string") return valueOf(document.components.schemas[$ref.split("/").at(-1) ?? ""] ?? {})
  if (Array.isArray(anyOf)) return valueOf(pick(anyOf as ReadonlyArray<Json>))
  if (Array.isArray(choices)) return pick(choices as ReadonlyArray<unknown>)
  if (type === "string") return textOf(schema)
  if (type === "integer") return wholeOf(schema)
  if (type === "boolean") return random.below(2) === 0
  if (type === "number") return wholeOf(schema) / pick([1, 8])
  if (type === "null") return null
  if (type === "array") return Array.from({ length: random.below(3) }, () => valueOf(items as Json))
  if (type !== "object") return anyJson()
  if (properties === undefined && additionalProperties !== undefined) {
    const names = Array.from({ length: random.below(3) }, () => textOf(schema["propertyNames"] as Json))
    return Object.fromEntries(names.map((name) => [name, valueOf(additionalProperties as Json)]))
  }
  const fields = Object.entries(properties as Readonly<Record<string, Json>>)
  const chosen = fields.filter(([name]) => (required as ReadonlyArray<string>).includes(name) || random.below(2) === 0)
  return Object.fromEntries(chosen.map(([name, field]) => [name, valueOf(field)]))
}

/** Parameters of which a request has exactly one, as the description of their routes says: OpenAPI has no way to. */
const alternatives = ["fact", "id", "factJson"]

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  )

describe("a request that is made from the document", () => {
  it("is never refused for its shape", { timeout: 60_000 }, async () => {
    let asked = 0
    for (let round = 0; round < perOperation; round++) {
      for (const { method, operation, path } of operations()) {
        let url = path
        const query = new URLSearchParams()
        const headers: Record<string, string> = {}
        const chosen = [pick(alternatives)]
        for (const { in: place, name, required, schema } of operation.parameters) {
          if (!required && !chosen.includes(name) && random.below(2) === 0) continue
          if (place === "query" && alternatives.includes(name) && !chosen.includes(name)) continue
          const value = valueOf(schema)
          if (Array.isArray(value)) for (const item of value) query.append(name, String(item))
          if (Array.isArray(value)) continue
          const text = String(value)
          if (place === "path") url = url.replace(`{${name}}`, encodeURIComponent(name === "id" ? "there" : text))
          else if (place === "query") query.set(name, text)
          else if (/^[ -~]*$/.test(text)) headers[name] = text
        }
        const schema = operation.requestBody?.content["application/json"].schema
        let body = schema === undefined ? undefined : (valueOf(schema) as Json)
        if (path === "/api/v1/jobs" && body !== undefined) {
          // No job is waited for.
          body = { ...body, program: pick(["count", "fails", takesJson.name, "none"]) }
          headers["prefer"] = "respond-async"
        }
        const more = query.size > 0 ? `?${query.toString()}` : ""
        if (body !== undefined) headers["content-type"] = "application/json"
        const response = await fetch(running.url + url + more, {
          method: method.toUpperCase(),
          headers,
          ...(body === undefined ? {} : { body: JSON.stringify(body) })
        })
        asked++
        const told = await response.text()
        const problem = response.ok || !told.startsWith("{") ? {} : (JSON.parse(told) as Json)
        const what = `${method} ${url}${more} ${JSON.stringify(headers)} ${JSON.stringify(body)}: ${told.slice(0, 500)}`
        expect(problem["type"], what).not.toBe("urn:effect-converge:InvalidRequest")
        expect(Object.keys(operation.responses), what).toContain(String(response.status))
      }
    }
    expect(asked).toBeGreaterThan(10 * perOperation)
  })
})

describe("the places of pages that the server gives", () => {
  it("fit the document, and so do those that docs/http.md shows", async () => {
    const folder = mkdtempSync(join(tmpdir(), "places-"))
    const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
    const durable = await serve({ programs: [count, asks] }, { store })
    const shown = async (path: string) => jsonOf(await durable.fetch(path))
    try {
      for (const id of ["a", "b", "c"])
        await durable.post("/api/v1/jobs", { program: "count", input: { to: 4 }, id: `places-${id}` })
      for (const id of ["d", "e", "f"]) {
        await durable.post("/api/v1/jobs", { program: "asks", input: {}, id }, { prefer: "respond-async" })
        await until(async () => (await shown(`/api/v1/jobs/${id}`))["state"] === "awaiting")
      }
      const lists = {
        "/api/v1/jobs": "?limit=1",
        "/api/v1/journals": "?limit=1",
        "/api/v1/approvals": "?limit=1",
        "/api/v1/jobs/{id}/facts": "?limit=1",
        "/api/v1/jobs/{id}/diff": "?from=0&to=4&limit=1",
        "/api/v1/jobs/{id}/history": "?kind=Step&fact=1&limit=1",
        "/api/v1/jobs/{id}/lineage": "?kind=Step&fact=1&limit=1"
      }
      let seen = 0
      for (const [path, query] of Object.entries(lists)) {
        const { parameters = [] } = document.paths[path]?.["get"] ?? {}
        const patternOf = (name: string) => {
          const { pattern } = parameters.find((parameter) => parameter.name === name)?.schema ?? {}
          return new RegExp(typeof pattern === "string" ? pattern : "^none$", "u")
        }
        const url = path.replace("{id}", "places-a") + query
        const first = await shown(url)
        if (typeof first["cursor"] !== "string") continue
        expect(first["cursor"], path).toMatch(patternOf("cursor"))
        const second = await shown(`${url}&cursor=${encodeURIComponent(first["cursor"])}`)
        expect(second["previous"], path).toMatch(patternOf("before"))
        seen++
      }
      expect(seen).toBeGreaterThanOrEqual(5)
      const before = document.paths["/api/v1/jobs"]?.["get"]?.parameters.find(({ name }) => name === "before")
      expect(before?.schema["pattern"]).toBe("^\\d{1,15}:.*$")
    } finally {
      await durable.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe("the document", () => {
  it("has no operation that the check of the generated clients leaves out", async () => {
    const text = await readFile(new URL("../clients/openapiFetch.mjs", import.meta.url), "utf8")
    const left = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .map((method) => `client.${method.toUpperCase()}("${path}"`)
        .filter((call) => !text.includes(call))
    )
    expect(left).toEqual([])
  })

  it("names the server, both formats of events, and when to ask again", () => {
    expect(document.servers).toEqual([expect.objectContaining({ url: "/" })])
    const events = document.paths["/api/v1/jobs/{id}/events"]?.["get"]
    expect(Object.keys(events?.responses["200"]?.content ?? {})).toEqual(["text/event-stream", "application/x-ndjson"])
    for (const { operation, path } of operations()) {
      for (const status of ["429", "503"]) {
        const response = operation.responses[status]
        if (response === undefined || path === "/ready") continue
        expect(response.headers, `${path} ${status}`).toHaveProperty("Retry-After")
      }
    }
  })

  it("has numbers for numbers, yes or no for yes or no, and no null where the server takes none", () => {
    const asTexts = operations().flatMap(({ method, operation, path }) =>
      operation.parameters
        .filter(({ schema }) => /"\^\[\+-\]\?|"true"/.test(JSON.stringify(schema["pattern"] ?? schema["enum"] ?? null)))
        .map(({ name }) => `${method} ${path}: ${name}`)
    )
    expect(asTexts).toEqual([])
    const list = document.paths["/api/v1/jobs"]?.["get"]?.parameters.find(({ name }) => name === "limit")
    expect(list?.schema).toEqual({ type: "integer", minimum: 1, maximum: 1_000 })
    for (const name of ["NewJob", "Budget"]) {
      expect(JSON.stringify(document.components.schemas[name]), name).not.toContain('"null"')
    }
  })
})
