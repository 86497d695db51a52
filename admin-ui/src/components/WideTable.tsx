import { Table, type TableProps } from '@mantine/core';

/** A table that scrolls sideways where there is too little room, also by the keyboard. */
export function WideTable({ label, minWidth, ...table }: TableProps & { label: string; minWidth: number }) {
  return (
    <Table.ScrollContainer minWidth={minWidth} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'group', 'aria-label': label } }}>
      <Table aria-label={label} {...table} />
    </Table.ScrollContainer>
  );
}
