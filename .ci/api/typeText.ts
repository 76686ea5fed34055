/**
 * Types as text for a table: whole where they are short, with what is within left out where they are long.
 *
 * Boundary: syntax alone, nothing is inferred. Names stay as the declaration has them, but for `Effect.Effect`, which is
 * `Effect`, and `readonly`, which all fields are.
 */
import type * as Babel from "@babel/types"
import { commentText, type Module } from "./exports.ts"

/** Characters of a type that a table shows. */
const most = 110

/** A field of a record, an option, or a member of a class. */
export interface Field {
  readonly name: string
  readonly isOptional: boolean
  readonly type: string
  readonly comment: string
  /** The names of its errors. */
  readonly errors: ReadonlyArray<string>
  /** The value of a constant; undefined for others. */
  readonly value: string | undefined
}

const squeezed = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/import\("[^"]*"\)\./g, "")
    .replace(/\breadonly (?=[\w"[])/g, "")
    .replace(/\b(\w+)\.\1\b/g, "$1")
    .replace(/\s+/g, " ")
    .replace(/;(?= })/g, "")
    .trim()

/** A node as it stands, on one line. */
export const wholeText = (node: Babel.Node, module: Module): string => {
  const text = squeezed(module.text.slice(node.start ?? 0, node.end ?? 0))
  let whole = text
  for (const [name, union] of innerUnions(module)) whole = whole.replace(new RegExp(`\\b${name}\\b`, "g"), union)
  return whole
}

const unions = new WeakMap<Module, ReadonlyMap<string, string>>()

/** Unions of names that only the module has a name for: a reader is shown what they are made of. */
const innerUnions = (module: Module): ReadonlyMap<string, string> => {
  const known = unions.get(module)
  if (known !== undefined) return known
  const found = new Map<string, string>()
  for (const [name, declarations] of module.declared) {
    const node = declarations[0]?.node
    if (node?.type !== "TSTypeAliasDeclaration" || node.typeParameters != null || isExported(name, module)) continue
    const type = node.typeAnnotation
    if (type.type !== "TSUnionType" || type.types.some((part) => part.type !== "TSTypeReference")) continue
    found.set(name, squeezed(module.text.slice(type.start ?? 0, type.end ?? 0)))
  }
  unions.set(module, found)
  return found
}

/** A type, shortened if it is long. */
export const typeText = (node: Babel.Node | null | undefined, module: Module, limit = most): string => {
  if (node == null) return "unknown"
  const whole = wholeText(node, module)
  if (whole.length <= limit) return whole
  const short = shortened(node, module)
  return short.length <= limit ? short : brief(node, module)
}

/** The name of a type that has one, else "". */
export const headText = (node: Babel.Node, module: Module): string => {
  if (node.type === "TSTypeReference") return wholeText(node.typeName, module)
  return node.type === "TSImportType" && node.qualifier != null ? wholeText(node.qualifier, module) : ""
}

/** A type with the arguments of its arguments left out. */
const shortened = (node: Babel.Node, module: Module): string => {
  switch (node.type) {
    case "TSImportType":
    case "TSTypeReference": {
      const args = node.typeParameters?.params ?? []
      const name = headText(node, module)
      return args.length === 0 ? name : `${name}<${args.map((arg) => brief(arg, module)).join(", ")}>`
    }
    case "TSUnionType":
      return node.types.map((type) => shortened(type, module)).join(" | ")
    case "TSIntersectionType":
      return node.types.map((type) => shortened(type, module)).join(" & ")
    case "TSFunctionType":
      return `(${node.parameters.map(parameterName).join(", ")}) => ${shortened(returned(node), module)}`
    case "TSParenthesizedType":
      return `(${shortened(node.typeAnnotation, module)})`
    default:
      return brief(node, module)
  }
}

/** A type by its name alone. */
const brief = (node: Babel.Node, module: Module): string => {
  switch (node.type) {
    case "TSImportType":
    case "TSTypeReference":
      return headText(node, module)
    case "TSUnionType": {
      let room = most
      const types = node.types.map((type) => brief(type, module))
      const shown = types.filter((type) => (room -= type.length + 3) > 0)
      return [...shown, ...(shown.length < types.length ? ["…"] : [])].join(" | ")
    }
    case "TSIntersectionType":
      return node.types.map((type) => brief(type, module)).join(" & ")
    case "TSParenthesizedType":
      return `(${brief(node.typeAnnotation, module)})`
    case "TSTypeLiteral":
      return namesText(node.members, module)
    case "TSFunctionType":
      return `(${node.parameters.map(parameterName).join(", ")}) => …`
    default: {
      const whole = wholeText(node, module)
      return whole.length <= 40 ? whole : "…"
    }
  }
}

/** The names of the members of a record, as many as there is room for. */
const namesText = (members: ReadonlyArray<Babel.Node>, module: Module): string =>
  listed(members.flatMap((member) => memberName(member, module) ?? []))

/** Names between braces, as many as there is room for. */
export const listed = (names: ReadonlyArray<string>): string => {
  if (names.length === 0) return "{}"
  let room = most
  const shown = names.filter((name) => (room -= name.length + 2) > 0)
  return `{ ${shown.join(", ")}${shown.length < names.length ? ", …" : ""} }`
}

const memberName = (member: Babel.Node, module: Module): string | undefined => {
  if (member.type !== "TSPropertySignature" && member.type !== "TSMethodSignature") return undefined
  if (member.computed === true) return undefined
  return wholeText(member.key, module) + (member.optional === true ? "?" : "")
}

const parameterName = (node: Babel.Node): string => {
  if (node.type === "RestElement") return `...${parameterName(node.argument)}`
  if (node.type === "Identifier") return node.name + (node.optional === true ? "?" : "")
  return "options"
}

const returned = (node: Babel.TSFunctionType | Babel.TSDeclareFunction): Babel.Node => {
  const annotation = node.type === "TSFunctionType" ? node.typeAnnotation : node.returnType
  return annotation != null && "typeAnnotation" in annotation ? annotation.typeAnnotation : node
}

/** A function as it is called: parameters with their types if there is room, else by name. */
export const callText = (
  name: string,
  node: Babel.TSFunctionType | Babel.TSDeclareFunction,
  module: Module
): { readonly text: string; readonly isShortened: boolean } => {
  const parameters = node.type === "TSFunctionType" ? node.parameters : node.params
  const result = returned(node)
  const typed = parameters.map((parameter) => wholeText(parameter, module)).join(", ")
  const whole = `${name}(${typed}): ${wholeText(result, module)}`
  if (whole.length <= most) return { text: whole, isShortened: false }
  const named = parameters.map(parameterName).join(", ")
  return { text: `${name}(${named}): ${typeText(result, module)}`, isShortened: true }
}

/** The type of a parameter. */
export const parameterType = (node: Babel.Node): Babel.TSType | undefined => {
  const annotation = node.type === "Identifier" || node.type === "ObjectPattern" ? node.typeAnnotation : undefined
  return annotation?.type === "TSTypeAnnotation" ? annotation.typeAnnotation : undefined
}

/** The fields of the members of a record or a class; what is private or protected is left out. */
export const fieldsOf = (members: ReadonlyArray<Babel.Node>, module: Module): ReadonlyArray<Field> =>
  members.flatMap((member): ReadonlyArray<Field> => {
    const comment = commentText(member.leadingComments)
    switch (member.type) {
      case "TSPropertySignature":
      case "ClassProperty": {
        // A symbol's type holds what the compiler infers from: nobody reads it.
        if (member.computed === true || (member.type === "ClassProperty" && isInner(member))) return []
        const type = annotated(member.typeAnnotation)
        const text = typeText(type ?? (member.type === "ClassProperty" ? member.value : undefined), module)
        const isOptional = member.optional === true
        return [
          {
            name: wholeText(member.key, module),
            isOptional,
            type: isOptional ? text.replace(/ \| undefined$/, "").replace(/^\((\(.*)\)$/, "$1") : text,
            comment,
            errors: type === undefined ? [] : errorsOf(type, module),
            value: type?.type === "TSLiteralType" ? wholeText(type, module) : undefined
          }
        ]
      }
      case "TSDeclareMethod":
      case "TSMethodSignature": {
        const isGetter = member.kind === "get"
        if (member.kind === "constructor" || (member.type === "TSDeclareMethod" && isInner(member))) return []
        const type = member.type === "TSDeclareMethod" ? annotated(member.returnType) : annotated(member.typeAnnotation)
        const parameters = member.type === "TSDeclareMethod" ? member.params : member.parameters
        const given = parameters.map((parameter) => wholeText(parameter, module)).join(", ")
        const text = typeText(type, module)
        return [
          {
            name: wholeText(member.key, module),
            isOptional: false,
            type: isGetter ? text : `(${given}) => ${text}`,
            comment,
            errors: type === undefined ? [] : errorsOf(type, module),
            value: undefined
          }
        ]
      }
      default:
        return []
    }
  })

const isInner = (member: Babel.ClassProperty | Babel.TSDeclareMethod): boolean =>
  member.accessibility === "private" || member.accessibility === "protected" || member.static === true

const annotated = (annotation: Babel.Node | null | undefined): Babel.TSType | undefined =>
  annotation?.type === "TSTypeAnnotation" ? annotation.typeAnnotation : undefined

/** The errors of an Effect, a Stream or a Layer, or of a function that gives one: the names in its `E`. */
export const errorsOf = (node: Babel.Node, module: Module): ReadonlyArray<string> => {
  if (node.type === "TSFunctionType") return errorsOf(returned(node), module)
  if (node.type === "TSParenthesizedType") return errorsOf(node.typeAnnotation, module)
  if (node.type !== "TSTypeReference" || !/^(?:Effect|Stream|Layer)$/.test(headText(node, module))) return []
  const [given, error] = node.typeParameters?.params ?? []
  const inner = given === undefined ? [] : errorsOf(given, module)
  return [...new Set([...(error === undefined ? [] : namesIn(error, module)), ...inner])]
}

const namesIn = (node: Babel.TSType, module: Module): ReadonlyArray<string> => {
  if (node.type === "TSUnionType") return node.types.flatMap((type) => namesIn(type, module))
  return node.type === "TSTypeReference" ? wholeText(node.typeName, module).split(" | ") : []
}

/** Whether a declaration's own statement exports it. */
export const isExported = (name: string, module: Module): boolean =>
  module.body.some(
    (statement) =>
      statement.type === "ExportNamedDeclaration" &&
      statement.declaration != null &&
      "id" in statement.declaration &&
      statement.declaration.id?.type === "Identifier" &&
      statement.declaration.id.name === name
  )

/** The type that an Effect schema describes. */
export const schemaText = (node: Babel.Node, module: Module): string => {
  if (node.type !== "TSTypeReference") return typeText(node, module, 60)
  const name = wholeText(node.typeName, module).replace(/^Schema\./, "")
  const [first] = node.typeParameters?.params ?? []
  const plain: Readonly<Record<string, string>> = {
    String: "string",
    Number: "number",
    Int: "number",
    Boolean: "boolean",
    Unknown: "unknown"
  }
  if (plain[name] !== undefined) return plain[name]
  if (first === undefined) return name
  switch (name) {
    case "optional":
      return schemaText(first, module)
    case "NullOr":
      return `${schemaText(first, module)} | null`
    case "$Array":
      return `ReadonlyArray<${schemaText(first, module)}>`
    case "Struct":
      return first.type === "TSTypeLiteral" ? `{ ${schemaFields(first.members, module).join("; ")} }` : "{ … }"
    case "Literal":
      return wholeText(first, module)
    case "Literals":
      return elementsOf(first)
        .map((element) => wholeText(element, module))
        .join(" | ")
    case "Tuple":
      return `[${elementsOf(first)
        .map((element) => schemaText(element, module))
        .join(", ")}]`
    default:
      return wholeText(node, module).endsWith("Json, never, never>") ? "Json" : typeText(node, module, 60)
  }
}

const elementsOf = (node: Babel.Node): ReadonlyArray<Babel.Node> => {
  if (node.type === "TSTypeOperator") return elementsOf(node.typeAnnotation)
  return node.type === "TSTupleType" ? node.elementTypes : []
}

/** The fields of a schema's struct: `name: type`. */
export const schemaFields = (members: ReadonlyArray<Babel.Node>, module: Module): ReadonlyArray<string> =>
  members.flatMap((member) => {
    if (member.type !== "TSPropertySignature") return []
    const type = annotated(member.typeAnnotation)
    if (type === undefined) return []
    const mark = wholeText(type, module).startsWith("Schema.optional") ? "?" : ""
    return [`${wholeText(member.key, module)}${mark}: ${schemaText(type, module)}`]
  })
