/**
 * The shape of a schema: whether its values are plain data, and the other properties that decide their encoding.
 *
 * `shapeOf` walks the schema's syntax tree once, when a kind is defined. It refuses types that cannot be frozen or have no JSON
 * form.
 * Boundary: reads schemas; knows nothing of values.
 */
import * as SchemaAST from "effect/SchemaAST"
import { Limits } from "../Limits.ts"

export interface SchemaShape {
  /** A value is its own JSON form. */
  readonly isPlain: boolean
  /** A number may be NaN or infinite, which JSON writes as a string. */
  readonly hasOpenNumbers: boolean
  /** A value may hold typed arrays. */
  readonly hasBytes: boolean
  /** A transformation, or a choice between shapes, may depend on the contents of typed arrays. */
  readonly looksAtBytes: boolean
}

/** Refuses a schema that admits values that a fact cannot have. It must throw. */
export type Refuse = (message: string) => never

/** The reason why a schema is refused that no value could fill. */
export const schemaTooDeep = `the schema is nested deeper than ${Limits.valueDepth} levels`

/** Immutable types of Effect that have a JSON codec, by the id under which Schema represents them. */
const immutable = new Set([
  "Json",
  "Option",
  "Result",
  "DateTimeUtc",
  "DateTimeZoned",
  "TimeZone",
  "TimeZoneNamed",
  "TimeZoneOffset",
  "Duration",
  "BigDecimal",
  "Uint8Array"
])

/** Advice on the types that are refused, by the same id. */
const advice: Readonly<Record<string, string>> = {
  Date: "use Schema.DateTimeUtc or a string",
  ReadonlyMap: "use Schema.Record, or an array of entries",
  ReadonlySet: "use an array",
  HashMap: "use Schema.Record, or an array of entries",
  HashSet: "use an array",
  Chunk: "use an array",
  URL: "use a string",
  RegExp: "use a string",
  MutableJson: "use Schema.Json",
  Redacted: "facts are stored and shown; hold the secret's name, and let the agent look the secret up",
  Cause: "use Schema.Struct with the fields that are needed",
  Exit: "use Schema.Result"
}

/** The id under which Schema represents a declared type of its own. */
const declarationId = (ast: SchemaAST.Declaration): string | undefined => {
  const representation = ast.annotations?.["representation"] as { readonly id?: unknown } | undefined
  return typeof representation?.id === "string" ? representation.id.replace(/^effect\/schema\//, "") : undefined
}

/** Whether a member of a union may hold something. */
const isCompound = ({ _tag }: SchemaAST.AST): boolean => ["Objects", "Arrays", "Declaration", "Suspend"].includes(_tag)

/** Whether a number's checks exclude NaN and the infinities. */
const isFinite = (ast: SchemaAST.Number): boolean => {
  const admits = (check: SchemaAST.Check<number>): boolean => {
    if (check._tag === "FilterGroup") return check.checks.some(admits)
    const id = (check.annotations?.["representation"] as { readonly id?: unknown } | undefined)?.id
    return id === "effect/schema/isFinite" || id === "effect/schema/isInt"
  }
  return ast.checks !== undefined && ast.checks.some(admits)
}

/** The shape of a schema. `root` is what messages call the value. */
export const shapeOf = (ast: SchemaAST.AST, root: string, refuse: Refuse): SchemaShape => {
  const inspection = new Inspection(refuse)
  inspection.visit(ast, root)
  return inspection
}

/** A walk through a syntax tree. What it has found so far is its shape. */
class Inspection implements SchemaShape {
  /** A value of the decoded side may be no plain data. */
  #isCoded = false
  /** The schema transforms, and the decoded side alone does not tell. */
  #isTransformed = false
  hasOpenNumbers = false
  hasBytes = false
  looksAtBytes = false
  readonly #refuse: Refuse
  readonly #seen = new Set<SchemaAST.AST>()
  /** The number of arrays, objects and declarations around the current node. */
  #around = 0

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  get isPlain(): boolean {
    return !this.#isCoded && !this.#isTransformed
  }

  visit(ast: SchemaAST.AST, path: string): void {
    if (this.#seen.has(ast)) return
    this.#seen.add(ast)
    if (!isCompound(ast) || ast._tag === "Suspend") return this.#inspect(ast, path)
    if (++this.#around > Limits.valueDepth) return this.#refuse(schemaTooDeep)
    this.#inspect(ast, path)
    this.#around--
  }

  #inspect(ast: SchemaAST.AST, path: string): void {
    if (ast.encoding !== undefined) this.#transforms()
    switch (ast._tag) {
      case "Declaration":
        return this.#declaration(ast, path)
      case "Symbol":
      case "UniqueSymbol":
      case "ObjectKeyword":
        return this.#refuse(`${path} holds ${ast._tag}, which has no JSON form`)
      case "BigInt":
      case "Undefined":
      case "Void":
        this.#isCoded = true
        return
      case "Literal":
        if (typeof ast.literal === "bigint") this.#isCoded = true
        return
      case "Number":
        if (!isFinite(ast)) this.hasOpenNumbers = true
        return
      case "Arrays":
        ast.elements.forEach((element, index) => this.visit(element, `${path}[${index}]`))
        ast.rest.forEach((element) => this.visit(element, `${path}[]`))
        return
      case "Objects":
        return this.#objects(ast, path)
      case "Union":
        if (ast.types.filter(isCompound).length > 1) this.looksAtBytes = true
        for (const member of ast.types) this.visit(member, path)
        return
      case "Suspend":
        return this.visit(ast.thunk(), path)
      case "Unknown":
      case "Any":
        // A transformation can decode into anything, such as an Error.
        if (ast.encoding !== undefined) this.#isCoded = true
        return
      default:
        return
    }
  }

  #transforms(): void {
    this.#isTransformed = true
    this.looksAtBytes = true
  }

  #declaration(ast: SchemaAST.Declaration, path: string): void {
    const id = declarationId(ast)
    // Journals hold kinds with a transformation before a field of any JSON in decoded form, so these stay plain.
    if (id === "Json") this.#isTransformed = false
    else this.#isCoded = true
    const isClass = ast.annotations?.["~constructor"] !== undefined
    const isCustom =
      id === undefined &&
      !isClass &&
      (ast.annotations?.["toCodecJson"] !== undefined || ast.annotations?.["toCodec"] !== undefined)
    if (id === "Uint8Array" || isCustom) this.hasBytes = true
    if (id !== "Json" && !isClass && !isCustom && (id === undefined || !immutable.has(id))) {
      const hint = id === undefined ? "give it a toCodecJson annotation" : (advice[id] ?? "use plain data")
      this.#refuse(`${path} holds ${id ?? "a declared type"}, which cannot be frozen and encoded: ${hint}`)
    }
    for (const parameter of ast.typeParameters) this.visit(parameter, path)
  }

  #objects(ast: SchemaAST.Objects, path: string): void {
    for (const { name, type } of ast.propertySignatures) {
      const at = `${path}.${String(name)}`
      if (typeof name === "symbol") this.#refuse(`${at} is keyed by a symbol, which has no JSON form`)
      // An optional key may hold `undefined`: the encoding leaves it out, so the value stays plain.
      if (SchemaAST.isOptional(type) && SchemaAST.isUnion(type)) {
        for (const member of type.types) if (!SchemaAST.isUndefined(member)) this.visit(member, at)
        if (type.encoding !== undefined) this.#transforms()
      } else this.visit(type, at)
    }
    for (const { parameter, type } of ast.indexSignatures) {
      if (parameter.encoding !== undefined) this.#isTransformed = true
      this.visit(type, `${path}[key]`)
    }
  }
}
