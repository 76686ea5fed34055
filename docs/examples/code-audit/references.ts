/**
 * The meaning of a place in a syntax tree for the name that stands there: a reference or not, a value or a type, whole or
 * one member of it.
 *
 * Boundary: predicates over a node and its ancestors.
 */
import { isFunction, literals, type Node } from "./ast.ts"

/** TypeScript nodes that hold an expression or statements which stay when types are stripped. */
const keepsValues = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSEnumDeclaration",
  "TSEnumBody",
  "TSEnumMember",
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSExportAssignment",
  "TSImportEqualsDeclaration",
  "TSExternalModuleReference",
  "TSParameterProperty"
])

/** Whether a node, with all that is in it, is gone when types are stripped. */
export const isTypeOnly = (node: Node): boolean => {
  if ("declare" in node && node.declare === true) {
    // The decorators of a declared field run.
    return !("decorators" in node) || (node.decorators ?? []).length === 0
  }
  if (!node.type.startsWith("TS")) return false
  // A qualified name stands for a value only as the target of `import a = b.c`, which is rare: taken as a type.
  return !keepsValues.has(node.type)
}

/** Whether the identifier at this place refers to a binding: it is no property name, label or declaration. */
export const isReference = (ancestors: ReadonlyArray<Node>, key: string): boolean => {
  const parent = ancestors.at(-1)
  if (parent === undefined) return false
  switch (parent.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      return key === "object" || isComputed(parent)
    case "ObjectProperty":
    case "ObjectMethod":
    case "ClassMethod":
    case "ClassProperty":
    case "ClassAccessorProperty":
      if (key === "key") return isComputed(parent)
      break
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return key !== "label"
    case "MetaProperty":
    case "PrivateName":
      return false
    case "TSQualifiedName":
      return key === "left"
    case "TSPropertySignature":
    case "TSMethodSignature":
      return key !== "key"
    case "TSEnumMember":
    case "TSEnumDeclaration":
    case "TSModuleDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSDeclareFunction":
    case "TSImportEqualsDeclaration":
      return key !== "id"
    case "ClassDeclaration":
    case "ClassExpression":
      return key !== "id"
    default:
  }
  return !isDeclared(ancestors, key)
}

const isComputed = (node: { readonly computed?: boolean | null | undefined }): boolean => node.computed ?? false

/** Whether the identifier at this place is being declared: somewhere in the pattern of a declarator or parameter. */
const isDeclared = (ancestors: ReadonlyArray<Node>, key: string): boolean => {
  let held = key
  for (let index = ancestors.length - 1; index >= 0; index--) {
    const node = ancestors[index] as Node
    if (isFunction(node)) return held === "params" || held === "id"
    switch (node.type) {
      case "VariableDeclarator":
        return held === "id"
      case "CatchClause":
        return held === "param"
      case "AssignmentPattern":
        if (held !== "left") return false
        break
      case "ObjectProperty":
        if (held !== "value") return false
        break
      case "ObjectPattern":
      case "ArrayPattern":
      case "RestElement":
      case "TSParameterProperty":
        break
      default:
        return false
    }
    const above = ancestors[index - 1]
    held = above === undefined ? "" : keyOf(above, node)
  }
  return false
}

const keyOf = (parent: Node, child: Node): string => {
  for (const [key, value] of Object.entries(parent)) {
    if (value === child || (Array.isArray(value) && (value as ReadonlyArray<unknown>).includes(child))) return key
  }
  return ""
}

/** The member that is taken of the identifier at this place, "*" if it is used as a whole. */
export const memberOf = (ancestors: ReadonlyArray<Node>, key: string): string => {
  const parent = ancestors.at(-1)
  if (parent?.type === "MemberExpression" || parent?.type === "OptionalMemberExpression") {
    if (key !== "object") return "*"
    if (parent.property.type === "Identifier" && !parent.computed) return parent.property.name
    return parent.property.type === "StringLiteral" ? parent.property.value : "*"
  }
  if (parent?.type === "JSXMemberExpression" && key === "object") return parent.property.name
  if (parent?.type === "TSQualifiedName" && key === "left") return parent.right.name
  return "*"
}

/** Whether a load may fail without harm: inside the block of a `try`, or with a `catch` on its promise. */
export const isGuarded = (node: Node, ancestors: ReadonlyArray<Node>): boolean => {
  const parent = ancestors.at(-1)
  if (parent?.type === "MemberExpression" && parent.object === node && keyIs(parent.property, "catch")) return true
  return ancestors.some((above, index) => above.type === "TryStatement" && above.block === ancestors[index + 1])
}

const keyIs = (node: Node, name: string): boolean => node.type === "Identifier" && node.name === name

/** The name that `import("./a").Name` refers to; "*" for the whole module. */
export const importType = (node: Node): { readonly specifier: string | undefined; readonly name: string } => {
  // Babel 7 holds the string itself, Babel 8 a type that holds it.
  const { argument, qualifier } = node as unknown as { readonly argument?: Node; readonly qualifier?: Node | null }
  const literal = argument?.type === "TSLiteralType" ? argument.literal : argument
  return { specifier: literals(literal)?.[0], name: firstName(qualifier) ?? "*" }
}

const firstName = (node: Node | null | undefined): string | undefined => {
  if (node?.type === "Identifier") return node.name
  return node?.type === "TSQualifiedName" ? firstName(node.left) : undefined
}
