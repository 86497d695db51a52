import { useEffect, useRef } from 'react';

export interface Commands {
  save(): void;
  undo(): void;
  redo(): void;
  find(): void;
  duplicate(): void;
  selectAll(): void;
  remove(): void;
  /** To the next node in a direction. */
  go(x: -1 | 0 | 1, y: -1 | 0 | 1): void;
  /** What is selected as text for the clipboard; `null`: nothing is. */
  copy(): string | null;
  paste(text: string): void;
}

const ARROWS: Record<string, [-1 | 0 | 1, -1 | 0 | 1]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The keys of the editor and the clipboard. In a field most keys are the field's. */
export function useKeys(commands: Commands): void {
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (isElsewhere(event.target)) return;
      if (run(latest.current, event)) event.preventDefault();
    };
    const copied = (event: ClipboardEvent, cut: boolean) => {
      if (isElsewhere(event.target) || isField(event.target) || !window.getSelection()?.isCollapsed) return;
      const text = latest.current.copy();
      if (text === null) return;
      event.clipboardData?.setData('text/plain', text);
      event.preventDefault();
      if (cut) latest.current.remove();
    };
    const copy = (event: ClipboardEvent) => copied(event, false);
    const cut = (event: ClipboardEvent) => copied(event, true);
    const paste = (event: ClipboardEvent) => {
      if (isElsewhere(event.target) || isField(event.target)) return;
      latest.current.paste(event.clipboardData?.getData('text/plain') ?? '');
    };
    window.addEventListener('keydown', pressed);
    document.addEventListener('copy', copy);
    document.addEventListener('cut', cut);
    document.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('keydown', pressed);
      document.removeEventListener('copy', copy);
      document.removeEventListener('cut', cut);
      document.removeEventListener('paste', paste);
    };
  }, []);
}

/** Whether the key was one of the editor's. */
function run(commands: Commands, event: KeyboardEvent): boolean {
  const field = isField(event.target);
  if (event.ctrlKey || event.metaKey) return runWithControl(commands, event, field);
  if (field) return false;
  const arrow = event.altKey ? ARROWS[event.key] : undefined;
  if (arrow) commands.go(...arrow);
  else if (event.key === 'Delete' || event.key === 'Backspace') commands.remove();
  else return false;
  return true;
}

/** By the key's place too, so that Ctrl+Z is there on a Russian keyboard. */
function runWithControl(commands: Commands, event: KeyboardEvent, field: boolean): boolean {
  switch (event.code) {
    case 'KeyS':
      commands.save();
      return true;
    case 'KeyF':
      commands.find();
      return true;
    case 'KeyZ':
      if (event.shiftKey) commands.redo();
      else commands.undo();
      return true;
    case 'KeyY':
      commands.redo();
      return true;
    case 'KeyD':
      if (!field) commands.duplicate();
      return !field;
    case 'KeyA':
      if (!field) commands.selectAll();
      return !field;
    default:
      return false;
  }
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

/** In a dialog the editor's keys do nothing. */
function isElsewhere(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="dialog"]') !== null;
}
