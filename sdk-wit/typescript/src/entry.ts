// What components export, each of them one; the builder's entry imports it after the scenario.
export { check } from './registry.ts';
export { callHandler } from './scenario.ts';
export { webHandler } from './web.ts';
export { eventHandler } from './event.ts';
