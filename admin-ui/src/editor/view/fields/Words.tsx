import { Combobox, Textarea, useCombobox } from '@mantine/core';
import { useRef } from 'react';

import { useForm } from './form';

interface Props {
  at: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  description?: string;
}

/** The beginning of a variable's name before the caret: `Hello {cal|`. */
const BEGUN = /\{([A-Za-z_][\w.-]*)?$/;

/** A text that may name variables in braces; after `{` they are offered. */
export function Words({ at, label, value, onChange, rows = 2, description }: Props) {
  const { variables, wrong } = useForm();
  const area = useRef<HTMLTextAreaElement>(null);
  const box = useCombobox({ onDropdownClose: () => box.resetSelectedOption() });
  const caret = area.current?.selectionStart ?? value.length;
  const begun = BEGUN.exec(value.slice(0, caret));
  const offered = begun === null ? [] : variables.filter((name) => name.startsWith(begun[1] ?? ''));
  const typed = (text: string, at: number) => {
    onChange(text);
    if (BEGUN.test(text.slice(0, at))) {
      box.openDropdown();
      box.selectFirstOption();
    } else box.closeDropdown();
  };
  const complete = (name: string) => {
    if (begun === null) return;
    const head = `${value.slice(0, begun.index)}{${name}}`;
    onChange(head + value.slice(caret).replace(/^[\w.-]*\}?/, ''));
    box.closeDropdown();
    requestAnimationFrame(() => area.current?.setSelectionRange(head.length, head.length));
  };
  return (
    <Combobox store={box} onOptionSubmit={complete} withinPortal>
      <Combobox.Target withKeyboardNavigation={false}>
        <Textarea ref={area} size="xs" label={label} description={description} value={value} autosize minRows={rows} maxRows={10}
          error={wrong(at)} onChange={(event) => typed(event.currentTarget.value, event.currentTarget.selectionStart)}
          onBlur={() => box.closeDropdown()}
          onKeyDown={(event) => {
            // Without an offer, the keys are the text's own.
            if (!box.dropdownOpened || offered.length === 0 || !['Enter', 'Tab', 'ArrowDown', 'ArrowUp', 'Escape'].includes(event.key)) return;
            event.preventDefault();
            event.stopPropagation();
            if (event.key === 'ArrowDown') box.selectNextOption();
            else if (event.key === 'ArrowUp') box.selectPreviousOption();
            else if (event.key === 'Escape') box.closeDropdown();
            else complete(offered[Math.max(box.getSelectedOptionIndex(), 0)] ?? '');
          }} />
      </Combobox.Target>
      <Combobox.Dropdown hidden={offered.length === 0}>
        <Combobox.Options aria-label={label} mah={180} style={{ overflowY: 'auto' }}>
          {offered.map((name) => (
            <Combobox.Option key={name} value={name}>{`{${name}}`}</Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
