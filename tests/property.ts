/** The one door to fast-check: properties over generated values, shrunk when they fail. */
export { default as fc } from "fast-check";
