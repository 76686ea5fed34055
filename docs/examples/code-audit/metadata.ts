/**
 * The types that become values where TypeScript emits metadata for decorators (`emitDecoratorMetadata`): those of what is
 * decorated, by the compiler's own rules. Imports of them stay, and with them the cycles among injected classes.
 *
 * One thing takes all types of a program to know: an interface leaves no value. Its import counts as kept here.
 *
 * Boundary: takes a node, returns the names that its metadata refers to.
 */
import type { Node } from "./ast.ts"

/** The name that a type refers to, and the member that is taken of it: "*" for itself. */
export interface TypeName {
  readonly name: string
  readonly member: string
}

interface Decorated {
  readonly decorators?: ReadonlyArray<Node> | null
}

interface Typed {
  readonly typeAnnotation?: Node | null
}

interface Signature {
  readonly params: ReadonlyArray<Node>
  readonly returnType?: Node | null
}

const isDecorated = (node: Node): boolean => ((node as Decorated).decorators?.length ?? 0) > 0

/** The names that the metadata of a class, or of one of its members, refers to; `siblings` are the members of its class. */
export const metadataNames = (
  node: Node,
  siblings: ReadonlyArray<Node>,
  strictNulls: boolean
): ReadonlyArray<TypeName> =>
  typesOf(node, siblings).flatMap((type) => {
    const found = entityOf(type, strictNulls)
    return found === undefined ? [] : [found]
  })

const typesOf = (node: Node, siblings: ReadonlyArray<Node>): ReadonlyArray<Node | null | undefined> => {
  switch (node.type) {
    case "ClassDeclaration":
    case "ClassExpression": {
      if (!isDecorated(node)) return []
      const made = node.body.body.find((member) => member.type === "ClassMethod" && member.kind === "constructor")
      return made?.type === "ClassMethod" ? made.params.map(parameterType) : []
    }
    case "ClassMethod":
    case "ClassPrivateMethod": {
      const signature = node as unknown as Signature
      if (signature.params.some(isDecorated)) return signatureTypes(signature)
      if (!isDecorated(node)) return []
      return node.kind === "get" || node.kind === "set" ? [accessorType(node, siblings)] : signatureTypes(signature)
    }
    case "ClassProperty":
    case "ClassPrivateProperty":
    case "ClassAccessorProperty":
      return isDecorated(node) ? [(node as Typed).typeAnnotation] : []
    default:
      return []
  }
}

const signatureTypes = ({ params, returnType }: Signature): ReadonlyArray<Node | null | undefined> => [
  ...params.map(parameterType),
  returnType
]

/** A getter's type, or the setter's of the same name. */
const accessorType = (
  node: Extract<Node, { type: "ClassMethod" | "ClassPrivateMethod" }>,
  siblings: ReadonlyArray<Node>
) => {
  const name = (member: Node): string =>
    JSON.stringify("key" in member && "name" in member.key ? member.key.name : member)
  const own = node.kind === "get" ? (node as Signature).returnType : parameterType(node.params[0])
  if (own != null) return own
  const other = siblings.find(
    (member) =>
      member.type === node.type &&
      member !== node &&
      member.kind === (node.kind === "get" ? "set" : "get") &&
      member.key.type === "Identifier" &&
      node.key.type === "Identifier" &&
      name(member) === name(node)
  ) as typeof node | undefined
  if (other === undefined) return undefined
  return other.kind === "get" ? (other as Signature).returnType : parameterType(other.params[0])
}

const parameterType = (parameter: Node | undefined): Node | null | undefined => {
  switch (parameter?.type) {
    case "TSParameterProperty":
      return parameterType(parameter.parameter)
    case "AssignmentPattern":
      return (parameter.left as Typed).typeAnnotation ?? parameter.typeAnnotation
    case "RestElement":
      return elementType(parameter.typeAnnotation)
    default:
      return (parameter as Typed | undefined)?.typeAnnotation
  }
}

/** The type of the elements of `A[]`, `Array<A>` and the like. */
const elementType = (type: Node | null | undefined): Node | null | undefined => {
  if (type?.type === "TSTypeAnnotation") return elementType(type.typeAnnotation)
  if (type?.type === "TSArrayType") return type.elementType
  return type?.type === "TSTypeReference" ? type.typeParameters?.params[0] : undefined
}

const entityOf = (type: Node | null | undefined, strictNulls: boolean): TypeName | undefined => {
  switch (type?.type) {
    case "TSTypeAnnotation":
    case "TSParenthesizedType":
      return entityOf(type.typeAnnotation, strictNulls)
    case "TSUnionType":
    case "TSIntersectionType":
      return commonEntity(type.types, strictNulls)
    case "TSConditionalType":
      return commonEntity([type.trueType, type.falseType], strictNulls)
    case "TSTypeReference":
      return nameOf(type.typeName)
    default:
      return undefined
  }
}

/** The one name that all of several types refer to; without strict nulls, null and undefined are of any type. */
const commonEntity = (types: ReadonlyArray<Node>, strictNulls: boolean): TypeName | undefined => {
  let common: TypeName | undefined
  for (const type of types) {
    if (type.type === "TSNeverKeyword") continue
    if (!strictNulls && (type.type === "TSNullKeyword" || type.type === "TSUndefinedKeyword")) continue
    const found = entityOf(type, strictNulls)
    if (found === undefined) return undefined
    if (common !== undefined && (common.name !== found.name || common.member !== found.member)) return undefined
    common = found
  }
  return common
}

/** The first name of `A` or `A.B.C`, with the second one as its member. */
export const nameOf = (node: Node | undefined): TypeName | undefined => {
  if (node?.type === "Identifier") return { name: node.name, member: "*" }
  if (node?.type !== "TSQualifiedName") return undefined
  return node.left.type === "Identifier" ? { name: node.left.name, member: node.right.name } : nameOf(node.left)
}
