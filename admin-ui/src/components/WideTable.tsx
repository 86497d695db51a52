import { Table, type TableProps } from '@mantine/core';

type Props = TableProps & { label: string; minWidth: number; maxHeight?: string };

/** A table that scrolls sideways where there is too little room, also by the keyboard; with `maxHeight`, downwards too. */
export function WideTable({ label, minWidth, maxHeight, ...table }: Props) {
  return (
    <Table.ScrollContainer minWidth={minWidth} maxHeight={maxHeight} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'group', 'aria-label': label } }}>
      <Table aria-label={label} {...table} />
    </Table.ScrollContainer>
  );
}
