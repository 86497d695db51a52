import { ActionIcon, Badge, Button, Group, Menu, Text, Tooltip } from '@mantine/core';
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconDeviceFloppy,
  IconDotsVertical,
  IconLayoutDistributeVertical,
  IconListCheck,
  IconMaximize,
  IconPhoneCalling,
  IconSearch,
  IconUpload,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { useTranslation } from 'react-i18next';

import type { Editor } from '../state/useEditor';
import type { Saving } from '../state/useSaving';

interface Props {
  editor: Editor;
  saving: Saving;
  errors: number;
  warnings: number;
  testing: boolean;
  problemsShown: boolean;
  on: {
    save(): void;
    publish(): void;
    find(): void;
    arrange(): void;
    fit(): void;
    check(): void;
    test(): void;
    problems(): void;
    importFile(): void;
    exportAs(what: 'document' | 'flow'): void;
  };
}

/** What is done with the whole flow. */
export function Toolbar({ editor, saving, errors, warnings, testing, problemsShown, on }: Props) {
  const { t } = useTranslation('editor');
  const named = (key: string, label: string | undefined) => (label === undefined ? t(key) : `${t(key)}: ${t(`edit.${label}`)}`);
  const marks = errors > 0 ? t('toolbar.errors', { count: errors }) : t('toolbar.warnings', { count: warnings });
  return (
    <div className="ed-bar" role="toolbar" aria-label={t('toolbar.title')}>
      <Text component="h1" fw={700} size="lg" truncate maw={320} m={0}>{editor.document.flow.name || t('flow.unnamed')}</Text>
      <Badge variant="default" tt="none" leftSection={saving.dirty ? '●' : '✓'}>{t(saving.dirty ? 'toolbar.dirty' : 'toolbar.saved')}</Badge>
      <Group gap={2} ml="auto">
        <Tool icon={IconArrowBackUp} label={named('toolbar.undo', editor.undoLabel)} keys="Ctrl+Z" disabled={!editor.canUndo} onClick={editor.undo} />
        <Tool icon={IconArrowForwardUp} label={named('toolbar.redo', editor.redoLabel)} keys="Ctrl+Y" disabled={!editor.canRedo} onClick={editor.redo} />
        <Tool icon={IconSearch} label={t('toolbar.find')} keys="Ctrl+F" onClick={on.find} />
        <Tool icon={IconLayoutDistributeVertical} label={t('toolbar.arrange')} onClick={on.arrange} />
        <Tool icon={IconMaximize} label={t('canvas.fit')} onClick={on.fit} />
      </Group>
      <Button size="xs" variant="default" leftSection={errors + warnings > 0 && <span className={errors > 0 ? 'ed-dot ed-error' : 'ed-dot'} />}
        aria-expanded={problemsShown} onClick={on.problems}>
        {errors + warnings === 0 ? t('toolbar.noProblems') : marks}
      </Button>
      <Button size="xs" variant={testing ? 'filled' : 'default'} aria-pressed={testing} leftSection={<IconPhoneCalling size={16} />} onClick={on.test}>{t('toolbar.test')}</Button>
      <Button size="xs" variant="default" loading={saving.busy} disabled={!saving.dirty} leftSection={<IconDeviceFloppy size={16} />} onClick={on.save}>{t('toolbar.save')}</Button>
      <Button size="xs" leftSection={<IconUpload size={16} />} onClick={on.publish}>{t('toolbar.publish')}</Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={t('toolbar.more')}><IconDotsVertical size={16} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconListCheck size={16} />} onClick={on.check}>{t('toolbar.check')}</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={on.importFile}>{t('toolbar.import')}</Menu.Item>
          <Menu.Item onClick={() => on.exportAs('document')}>{t('toolbar.exportDocument')}</Menu.Item>
          <Menu.Item onClick={() => on.exportAs('flow')}>{t('toolbar.exportFlow')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

interface ToolProps {
  icon: ComponentType<{ size: number; 'aria-hidden': boolean }>;
  label: string;
  keys?: string;
  disabled?: boolean;
  onClick: () => void;
}

function Tool({ icon: Icon, label, keys, disabled = false, onClick }: ToolProps) {
  return (
    <Tooltip label={keys ? `${label} (${keys})` : label}>
      <ActionIcon variant="subtle" size={30} aria-label={label} disabled={disabled} onClick={onClick}><Icon size={18} aria-hidden /></ActionIcon>
    </Tooltip>
  );
}
