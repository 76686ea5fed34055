/**
 * A public name as a reader looks it up: how it is written, what it is, how it fails, and its fields.
 *
 * Boundary: from declarations to plain data; how that looks is page.ts.
 */
import type * as Babel from "@babel/types"
import { type Docstring, readDocstring } from "./docstring.ts"
import type { Declaration, Exported, Module } from "./exports.ts"
import {
  callText,
  errorsOf,
  type Field,
  fieldsOf,
  headText,
  isExported,
  listed,
  parameterType,
  schemaFields,
  typeText,
  wholeText
} from "./typeText.ts"

type Declared = Extract<Exported, { readonly type: "declared" }>

export interface Description {
  readonly kind: string
  /** One line. */
  readonly signature: string
  /** The whole declaration, where the line leaves something out. */
  readonly declaration: string | undefined
  readonly doc: Docstring
  /** The names of its errors, from its type. */
  readonly errors: ReadonlyArray<string>
  /** The fields that have something to say for themselves. */
  readonly fields: ReadonlyArray<Field>
  /** The owner of the fields: a record of this name, or the options of a function. */
  readonly fieldsAre: "record" | "options" | "constants"
  /** A type of which it has all fields, too. */
  readonly extends: string | undefined
}

const nothing = { declaration: undefined, errors: [], fields: [], fieldsAre: "record", extends: undefined } as const

/** Describes a declared name. */
export const describe = ({ declarations, module, name }: Declared): Description => {
  const own = declarations.filter(({ node }) => node.type !== "TSModuleDeclaration")
  const [first] = own.length === 0 ? declarations : own
  if (first === undefined) throw new Error(`${module.source}: ${name} is declared nowhere`)
  const doc = readDocstring(first.comment)
  const { node } = first
  switch (node.type) {
    case "TSDeclareFunction":
      return ofFunction(
        name,
        own.flatMap((overload) => functionOf(overload.node)),
        own,
        module,
        doc
      )
    case "VariableDeclarator": {
      const [called] = functionOf(node)
      return called === undefined ? ofConstant(node, module, doc) : ofFunction(name, [called], [first], module, doc)
    }
    case "ClassDeclaration":
      return ofClass(node, module, doc)
    case "TSInterfaceDeclaration": {
      const type = ofInterface(node, module, doc)
      const makers = own.filter((other) => functionOf(other.node).length > 0)
      if (makers[0] === undefined) return type
      // A function of the same name makes it: the function is described, and the fields of the type below it.
      const calls = makers.flatMap((maker) => functionOf(maker.node))
      const made = ofFunction(name, calls, makers, module, readDocstring(makers[0].comment))
      return { ...made, fields: type.fields, fieldsAre: "record", extends: type.extends }
    }
    case "TSTypeAliasDeclaration":
      return ofAlias(node, module, doc)
    default:
      return { ...nothing, kind: "namespace", signature: "", doc }
  }
}

type FunctionNode = Babel.TSFunctionType | Babel.TSDeclareFunction

const functionOf = (node: Declaration["node"]): ReadonlyArray<FunctionNode> => {
  if (node.type === "TSDeclareFunction") return [node]
  const type = node.type === "VariableDeclarator" ? constantType(node) : undefined
  return type?.type === "TSFunctionType" ? [type] : []
}

const constantType = (node: Babel.VariableDeclarator): Babel.TSType | undefined =>
  node.id.type === "Identifier" ? parameterType(node.id) : undefined

const ofFunction = (
  name: string,
  overloads: ReadonlyArray<FunctionNode>,
  declarations: ReadonlyArray<Declaration>,
  module: Module,
  doc: Docstring
): Description => {
  const calls = overloads.map((overload) => callText(name, overload, module))
  const isShortened = calls.length > 1 || calls.some((call) => call.isShortened)
  const results = overloads.flatMap((overload) =>
    overload.type === "TSFunctionType" ? [overload.typeAnnotation] : [overload.returnType]
  )
  return {
    ...nothing,
    kind: "function",
    signature: calls[0]?.text ?? name,
    declaration: isShortened
      ? declarations.map(({ node }) => declarationText(node, module, name)).join("\n")
      : undefined,
    doc,
    errors: results.flatMap((result) =>
      result?.type === "TSTypeAnnotation" ? errorsOf(result.typeAnnotation, module) : []
    ),
    fields: optionsOf(overloads, module, doc),
    fieldsAre: "options"
  }
}

/** The fields of the options that only this function has: those of a type with a name of its own are shown there. */
const optionsOf = (overloads: ReadonlyArray<FunctionNode>, module: Module, doc: Docstring): ReadonlyArray<Field> => {
  const forms = overloads.map((overload) => {
    const parameters = overload.type === "TSFunctionType" ? overload.parameters : overload.params
    const members = parameters.flatMap((parameter) => {
      const isOptions = parameter.type === "Identifier" && parameter.name === "options"
      const type = isOptions ? parameterType(parameter) : undefined
      return type === undefined ? [] : membersOf(type, module)
    })
    return new Map(fieldsOf(members, module).map((field) => [field.name, field]))
  })
  const names = new Set(forms.flatMap((form) => [...form.keys()]))
  return [...names].flatMap((name) => {
    const fields = forms.flatMap((form) => form.get(name) ?? [])
    const field = fields.find(({ type }) => type !== "undefined") ?? fields[0]
    if (field === undefined) return []
    const isOptional = fields.length < forms.length || fields.some((one) => one.isOptional)
    return [documented({ ...field, isOptional }, doc)]
  })
}

/** The members of a literal, and of types that only this module knows. */
const membersOf = (type: Babel.TSType, module: Module): ReadonlyArray<Babel.Node> => {
  if (type.type === "TSTypeLiteral") return type.members
  if (type.type === "TSIntersectionType") return type.types.flatMap((part) => membersOf(part, module))
  if (type.type !== "TSTypeReference" || type.typeName.type !== "Identifier") return []
  const { name } = type.typeName
  if (isExported(name, module)) return []
  return (module.declared.get(name) ?? []).flatMap(({ node }) =>
    node.type === "TSInterfaceDeclaration" ? node.body.body : []
  )
}

/** The fields of the parents that only this module knows, with what their parameters stand for. */
const inheritedOf = (node: Babel.TSInterfaceDeclaration, module: Module): ReadonlyArray<Field> =>
  (node.extends ?? []).flatMap(({ expression, typeParameters }) => {
    if (expression.type !== "Identifier" || isExported(expression.name, module)) return []
    const parent = module.declared.get(expression.name)?.[0]?.node
    if (parent?.type !== "TSInterfaceDeclaration") return []
    const names = (parent.typeParameters?.params ?? []).map(({ name }) => name)
    const given = (typeParameters?.params ?? []).map((argument) => wholeText(argument, module))
    const values = new Map(names.map((name, index) => [name, given[index] ?? name] as const))
    const fields = [...inheritedOf(parent, module), ...fieldsOf(parent.body.body, module)]
    return fields.map((field) => ({ ...field, type: values.get(field.type) ?? field.type }))
  })

/** A field that the docstring of the whole documents, if its own does not say what it is. */
const documented = (field: Field, ...docs: ReadonlyArray<Docstring>): Field => {
  const [said] = docs.flatMap(({ points }) => points.get(field.name) ?? [])
  const { failures, sentences } = readDocstring(field.comment)
  if (said === undefined || sentences.some((sentence) => !failures.includes(sentence))) return field
  const sentence = said.replace(/^[a-z]/, (first) => first.toUpperCase()).replace(/[^.]$/, "$&.")
  return { ...field, comment: `${sentence}\n${field.comment}` }
}

const constants: Readonly<Record<string, string>> = {
  Layer: "layer",
  Effect: "effect",
  "Context.Reference": "reference",
  Kind: "kind of facts"
}

const ofConstant = (node: Babel.VariableDeclarator, module: Module, doc: Docstring): Description => {
  const type = constantType(node)
  if (type === undefined) return { ...nothing, kind: "constant", signature: "", doc }
  if (type.type === "TSTypeLiteral") {
    const fields = fieldsOf(type.members, module)
    const names = listed(fields.map((field) => field.name))
    if (fields.some(({ value }) => value === undefined)) return { ...nothing, kind: "constant", signature: names, doc }
    return { ...nothing, kind: "constants", signature: names, doc, fields, fieldsAre: "constants" }
  }
  const head = headText(type, module)
  const struct = head.startsWith("Schema.") ? structOf(type) : undefined
  const signature = struct === undefined ? typeText(type, module) : recordText(schemaFields(struct.members, module))
  const kind = head.startsWith("Schema.") ? "schema" : (constants[head] ?? "constant")
  return { ...nothing, kind, signature, doc, errors: errorsOf(type, module) }
}

const structOf = (type: Babel.TSType): Babel.TSTypeLiteral | undefined => {
  if (type.type === "TSTypeLiteral") return type
  if (type.type !== "TSTypeReference") return undefined
  for (const parameter of type.typeParameters?.params ?? []) {
    const struct = structOf(parameter)
    if (struct !== undefined) return struct
  }
  return undefined
}

/** Fields with their types if there is room, else their names. */
const recordText = (fields: ReadonlyArray<string>): string => {
  const whole = fields.length === 0 ? "{}" : `{ ${fields.join("; ")} }`
  return whole.length <= 160 ? whole : listed(fields.map((field) => field.replace(/:.*$/, "")))
}

const ofClass = (node: Babel.ClassDeclaration, module: Module, doc: Docstring): Description => {
  const own = fieldsOf(node.body.body, module)
  const base = baseOf(node, module)
  const extended = base === undefined ? "" : wholeText(base, module)
  if (extended.startsWith("Context.ServiceClass")) return ofService(base, module, doc)
  if (extended.includes("ProblemClass") || extended.includes("YieldableError")) {
    return { ...nothing, kind: "error", signature: errorText(node, base, module), doc }
  }
  if (node.superClass?.type === "Identifier" && node.superClass.name === "Error") {
    return { ...nothing, kind: "error", signature: recordText(textsOf(own.filter(({ name }) => name !== "name"))), doc }
  }
  return { ...nothing, kind: "class", signature: listed(own.map(({ name }) => name)), doc, fields: own }
}

const ofService = (base: Babel.TSType | undefined, module: Module, doc: Docstring): Description => {
  const shape = base === undefined ? undefined : structOf(base)
  const header = readDocstring(module.header)
  const fields = fieldsOf(shape?.members ?? [], module).map((field) => documented(field, doc, header))
  return { ...nothing, kind: "service", signature: listed(fields.map(({ name }) => name)), doc, fields }
}

/** The fields of a tagged error: those of its schema, or of its type where it has none, and what the class adds. */
const errorText = (node: Babel.ClassDeclaration, base: Babel.TSType | undefined, module: Module): string => {
  const passed =
    node.superTypeParameters?.type === "TSTypeParameterInstantiation" ? node.superTypeParameters.params : []
  const plain = passed.map(structOf).find((struct) => struct !== undefined)
  const schema = base === undefined ? undefined : structOf(base)
  const encoded =
    plain === undefined ? schemaFields(schema?.members ?? [], module) : textsOf(fieldsOf(plain.members, module))
  // The message is there in every error, and `undefined` says that an error has no partial result.
  const added = fieldsOf(node.body.body, module).filter(({ name, type }) => name !== "message" && type !== "undefined")
  const fields = recordText([...encoded, ...textsOf(added)])
  const status = base === undefined ? undefined : /\bProblemClass<.*?, (\d{3}), /.exec(wholeText(base, module))?.[1]
  return status === undefined ? fields : `HTTP ${status} ${fields}`
}

const textsOf = (fields: ReadonlyArray<Field>): ReadonlyArray<string> =>
  fields.map((field) => `${field.name}${field.isOptional ? "?" : ""}: ${field.type}`)

/** The type of the constant that the compiler declares for what a class extends. */
const baseOf = (node: Babel.ClassDeclaration, module: Module): Babel.TSType | undefined => {
  if (node.superClass?.type !== "Identifier") return undefined
  const [base] = module.declared.get(node.superClass.name) ?? []
  return base?.node.type === "VariableDeclarator" ? constantType(base.node) : undefined
}

const ofInterface = (node: Babel.TSInterfaceDeclaration, module: Module, doc: Docstring): Description => {
  const fields = fieldsOf(node.body.body, module)
  const parents = (node.extends ?? [])
    .filter(
      ({ expression }) =>
        expression.type !== "Identifier" || isExported(expression.name, module) || !module.declared.has(expression.name)
    )
    .map((parent) => wholeText(parent, module))
  const described = record("interface", inheritedOf(node, module), fields, doc)
  if (parents.length === 0) return described
  const signature = [...parents, described.signature].filter((part) => part !== "{}").join(" & ")
  return { ...described, signature, extends: parents.join(" & ") }
}

/** A record: on one line if none of its own fields says anything. */
const record = (
  kind: string,
  inherited: ReadonlyArray<Field>,
  own: ReadonlyArray<Field>,
  doc: Docstring
): Description => {
  const fields = [...inherited, ...own].map((field) => documented(field, doc))
  const line = recordText(textsOf(fields))
  const says = fields.slice(inherited.length).some(({ comment }) => comment !== "") || line.includes("…")
  return { ...nothing, kind, signature: line, doc, fields: says ? fields : [] }
}

const ofAlias = (node: Babel.TSTypeAliasDeclaration, module: Module, doc: Docstring): Description => {
  const type = node.typeAnnotation
  if (type.type === "TSTypeLiteral") {
    return record("type", [], fieldsOf(type.members, module), doc)
  }
  const signature = typeText(type, module)
  const isShortened = signature !== wholeText(type, module)
  return {
    ...nothing,
    kind: "type",
    signature,
    declaration: isShortened ? declarationText(node, module) : undefined,
    doc
  }
}

/** A declaration without its comments, as a compiler takes it. A constant gets the name under which it is exported. */
const declarationText = (node: Declaration["node"], module: Module, name?: string): string => {
  const text = module.text.slice(node.start ?? 0, node.end ?? 0).replace(/\/\*[\s\S]*?\*\//g, "")
  const bare = text.replace(/^(?:export )?(?:declare )?/, "").replace(/import\("[^"]*"\)\./g, "")
  return node.type === "VariableDeclarator" ? `const ${name === undefined ? bare : bare.replace(/^\w+/, name)}` : bare
}
