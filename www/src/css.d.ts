/** The build gives a style sheet's text for an import of it. */
declare module "*.css" {
  const text: string;
  export default text;
}
