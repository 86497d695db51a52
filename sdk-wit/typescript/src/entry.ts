// What a component exports; the builder's entry imports it after the scenario.
export { callHandler, check } from './scenario.ts';
