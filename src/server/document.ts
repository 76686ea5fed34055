/**
 * The OpenAPI document of the API as it is served: the output of `OpenApi.fromApi`, refined into the contract.
 *
 * The definition alone says too much and too little. It types the numbers and the booleans in a URL as texts, and lets optional
 * fields be null, which the server refuses. It omits the second format of events, `Retry-After`, and the patterns of a cursor, a
 * key or a time. A test makes requests from the document, and the server refuses none of them for its shape.
 *
 * Boundary: JSON in, JSON out.
 */
import * as OpenApi from "effect/http-api/OpenApi"
import { Limits } from "../Limits.ts"
import { namePattern, queryPattern, valuePattern } from "../program/attributes.ts"
import { Api } from "./api.ts"
import { jsonString } from "./queries.ts"

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const objectsIn = (value: unknown): ReadonlyArray<Json> =>
  isObject(value) ? Object.values(value).filter(isObject) : []

const listIn = (value: unknown): ReadonlyArray<Json> => (Array.isArray(value) ? value.filter(isObject) : [])

/** Removes null from optional fields: a client leaves such a field out, and the server refuses null. */
const withoutNull = (schema: unknown): void => {
  if (Array.isArray(schema)) for (const item of schema) withoutNull(item)
  if (!isObject(schema)) return
  const { properties } = schema
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  if (isObject(properties)) {
    for (const [name, property] of Object.entries(properties)) {
      if (required.includes(name) || !isObject(property)) continue
      const choices = listIn(property["anyOf"]).filter(({ type }) => type !== "null")
      if (choices.length === 0) continue
      const { anyOf: _, ...rest } = property
      properties[name] = choices.length === 1 ? { ...rest, ...choices[0] } : { ...rest, anyOf: choices }
    }
  }
  for (const inner of Object.values(schema)) withoutNull(inner)
}

const whole = (minimum: number, maximum: number) => ({ type: "integer", minimum, maximum })
const text = (pattern: RegExp) => ({ type: "string", pattern: pattern.source })
const segment = { type: "string", minLength: 1, maxLength: 200 }
const most = Number.MAX_SAFE_INTEGER

/** The id of an item of telemetry: the recording, and the number of the item in it. */
const telemetryId = text(/^\d{1,15}-\d{1,15}$/)

/** The schemas of parameters by place and name, or by route, place and name. Other parameters keep the definition's schema. */
const parameters: Readonly<Record<string, Json>> = {
  "path id": segment,
  "path kind": segment,
  "path factId": segment,
  "path approvalId": segment,
  "path otherId": segment,
  "path version": whole(1, most),
  "query limit": whole(1, 1_000),
  "query after": whole(0, most),
  "query at": whole(0, most),
  "query otherAt": whole(0, most),
  "query from": whole(0, most),
  "query to": whole(0, most),
  "query since": whole(0, most),
  "query until": whole(0, most),
  "query cycle": whole(0, most),
  "query valueLength": whole(0, most),
  "query offset": whole(0, most),
  "query brief": { type: "boolean" },
  "query without": { type: "boolean" },
  "query agents": { type: "boolean" },
  "/api/v1/journals query cursor": text(/^\d{1,15}:.+$/),
  "/api/v1/jobs query cursor": text(/^\d{1,15}:.+$/),
  // A place before all jobs has no id.
  "/api/v1/jobs query before": text(/^\d{1,15}:.*$/),
  "/api/v1/journals query before": text(/^\d{1,15}:.*$/),
  "/api/v1/jobs/{id}/timeline query before": whole(0, most),
  "query before": text(/^\d{1,15}$/),
  "query attribute": { type: "array", items: text(queryPattern) },
  "query factJson": text(jsonString),
  "/api/v1/jobs/{id}/facts query cursor": text(/^\d{1,15}$/),
  "/api/v1/jobs/{id}/diff query cursor": text(/^\d{1,15}$/),
  "/api/v1/jobs/{id}/diff/{otherId} query cursor": text(/^\d{1,15}$/),
  "/api/v1/jobs/{id}/lineage query cursor": text(/^\d{1,15}$/),
  "/api/v1/jobs/{id}/intents query cursor": text(/^\d{1,15}$/),
  "/api/v1/jobs/{id}/history query cursor": text(/^\d{1,15}$/),
  "/api/v1/jobs/{id}/approvals query cursor": text(/^\d{1,15}:.*$/),
  "/api/v1/jobs/{id}/approvals query before": text(/^\d{1,15}:.*$/),
  "/api/v1/approvals query cursor": text(/^\d{1,15}:\d{1,15}:\d{1,4}:.+$/),
  "/api/v1/approvals query before": text(/^\d{1,15}:\d{1,15}:\d{1,4}:.+$/),
  "/api/v1/jobs/{id}/telemetry query after": telemetryId,
  "/api/v1/jobs/{id}/telemetry header last-event-id": telemetryId,
  "header idempotency-key": text(/^[!-~]([ -~]{0,253}[!-~])?$/),
  "header last-event-id": text(/^\d{1,15}$/)
}

const retryAfter = {
  "Retry-After": { description: "Seconds after which the request may be sent again", schema: whole(0, 86_400) }
}

const refineOperation = (path: string, operation: Json): void => {
  // OpenAPI ignores a parameter named `accept`: the content of an answer gives its formats.
  operation["parameters"] = listIn(operation["parameters"])
    .filter(({ name }) => name !== "accept")
    .map((parameter) => {
      const key = `${String(parameter["in"])} ${String(parameter["name"])}`
      const schema = parameters[`${path} ${key}`] ?? parameters[key] ?? parameter["schema"]
      return { ...parameter, schema }
    })
  // The empty requirement makes the token optional: a server without tokens asks for none.
  if (listIn(operation["security"]).length > 0) operation["security"] = [...listIn(operation["security"]), {}]
  else operation["security"] = []
  const responses = operation["responses"]
  if (!isObject(responses)) return
  for (const [status, response] of Object.entries(responses)) {
    if (isObject(response) && (status === "429" || status === "503") && path !== "/ready") {
      response["headers"] = { ...(isObject(response["headers"]) ? response["headers"] : {}), ...retryAfter }
    }
  }
}

/** Adds NDJSON, the second format in which a client can get events. */
const refineEvents = (operation: Json): void => {
  const responses = operation["responses"]
  const content = isObject(responses) && isObject(responses["200"]) ? responses["200"]["content"] : undefined
  if (!isObject(content)) return
  content["application/x-ndjson"] = {
    schema: { type: "string", description: "One event a line, as JSON; an empty line says nothing" }
  }
}

/** A time as text, such as `10s`, `1h30m` or `5 seconds`. A number alone is in milliseconds. */
const times = /(\d{1,15}|(\d{1,15}(\.\d{1,9})? ?(ms|s|m|h|d|w|(nano|micro|milli|second|minute|hour|day|week)s?) ?)+)/
  .source
const time = { ...text(new RegExp(`^${times}$`)), maxLength: 100 }
const limitedTime = { ...text(new RegExp(`^(unlimited|${times})$`)), maxLength: 100 }

/** Gives the texts of a field that is a time their pattern. */
const refineTime = (schema: unknown, name: string, pattern: Json): void => {
  const field = isObject(schema) && isObject(schema["properties"]) ? schema["properties"][name] : undefined
  if (!isObject(field)) return
  field["anyOf"] = listIn(field["anyOf"]).map((choice) => (choice["type"] === "string" ? pattern : choice))
}

const refineTimes = (schemas: Json): void => {
  for (const name of ["maxDuration", "maxCpuTime"]) refineTime(schemas["Budget"], name, limitedTime)
  refineTime(schemas["Prune"], "olderThan", time)
}

/** The attributes of a body. Generators of clients know `additionalProperties`, and not all know `patternProperties`. */
const attributes: Json = {
  type: "object",
  propertyNames: text(namePattern),
  additionalProperties: text(valuePattern),
  maxProperties: Limits.jobAttributes
}

/**
 * Fields that this version always sends. Servers of earlier versions do not, and the clients of this package do without them; so
 * the definition has them as optional.
 */
const laterFields: Readonly<Record<string, ReadonlyArray<string>>> = {
  Usage: ["cost", "byAgent"],
  JobSummary: ["cycles", "durationMs", "error", "budget"],
  JobPage: ["previous"],
  Job: ["cycles", "error"],
  FactPage: ["previous"],
  Diagnosis: ["olderDecisions"],
  TasksNow: ["now"]
}

const demandLater = (schemas: Json): void => {
  for (const [name, fields] of Object.entries(laterFields)) {
    const schema = schemas[name]
    if (!isObject(schema)) continue
    const { properties, required } = schema
    if (!isObject(properties) || !Array.isArray(required)) continue
    // In the order of the properties, as everywhere.
    schema["required"] = Object.keys(properties).filter((key) => required.includes(key) || fields.includes(key))
  }
}

const descriptions: Readonly<Record<string, string>> = {
  jobs: "Jobs: start them, look at them, watch them, steer them, delete them",
  insight: "Why a job stands where it does, what it does now, and when it did what",
  programs: "The programs that jobs can be started of",
  metrics: "Metrics for Prometheus",
  health: "Whether the server lives, and whether it takes jobs"
}

/** Refines a document into the contract. `prefix`: the path before the API. */
const refine = (given: Json, prefix: string): Json => {
  const document = structuredClone(given)
  const { components, info, paths } = document
  for (const [path, operations] of Object.entries(isObject(paths) ? paths : {})) {
    for (const operation of objectsIn(operations)) {
      refineOperation(path, operation)
      if (path.endsWith("/events")) refineEvents(operation)
    }
  }
  const schemas = isObject(components) ? components["schemas"] : undefined
  if (isObject(schemas)) demandLater(schemas)
  withoutNull(schemas)
  if (isObject(schemas)) {
    refineTimes(schemas)
    schemas["Attributes"] = attributes
  }
  document["info"] = { ...(isObject(info) ? info : {}), license: { name: "MIT", identifier: "MIT" } }
  document["servers"] = [{ url: prefix === "" ? "/" : prefix, description: "This server" }]
  document["tags"] = listIn(document["tags"]).map((tag) => ({ ...tag, description: descriptions[String(tag["name"])] }))
  return document
}

/** The API as this version serves it under a prefix; its document is the contract. */
export const apiAt = (prefix: string, version: string): typeof Api =>
  Api.annotate(OpenApi.Version, version).annotate(OpenApi.Transform, (document) => refine(document, prefix))

export const documentOf = (prefix: string, version: string): Json => ({ ...OpenApi.fromApi(apiAt(prefix, version)) })
