/**
 * What of valibot describes values from outside; taken in as `v`. The one place that knows the library. Words for
 * people stay with whoever describes the values.
 */
export {
  array,
  boolean,
  check,
  type GenericSchema,
  literal,
  maxLength,
  maxValue,
  minLength,
  minValue,
  nullable,
  number,
  object,
  picklist,
  pipe,
  regex,
  safeInteger,
  safeParse,
  string,
  transform,
  trim,
  union,
  unknown,
} from "valibot";
