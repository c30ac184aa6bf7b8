// SPDX-License-Identifier: GPL-2.0
/*
 * An I2C bus without a wire: takes every write to one address, keeps it for a test to read, and refuses when told to.
 *
 * /sys/kernel/debug/recording_i2c/written: each write as its length in two bytes (low first), then its bytes. Writing
 * anything to the file empties it. Parameters: nr, the bus's number; address, of the one device on it; nak, which may be
 * changed while it runs: the device answers no more.
 */
#include <linux/debugfs.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/mutex.h>

#define ROOM (4 << 20)

static int nr = 1;
module_param(nr, int, 0444);
static ushort address = 0x3c;
module_param(address, ushort, 0444);
static bool nak;
module_param(nak, bool, 0644);

static u8 *kept;
static size_t filled;
static DEFINE_MUTEX(keeping);
static struct dentry *folder;

static int keep(const struct i2c_msg *message)
{
	if (filled + 2 + message->len > ROOM)
		return -ENOSPC;
	kept[filled++] = message->len & 0xff;
	kept[filled++] = message->len >> 8;
	memcpy(kept + filled, message->buf, message->len);
	filled += message->len;
	return 0;
}

static int take(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int one, error = 0;

	mutex_lock(&keeping);
	for (one = 0; one < count && !error; one++) {
		if (nak || messages[one].addr != address)
			error = -ENXIO;
		else if (messages[one].flags & I2C_M_RD)
			memset(messages[one].buf, 0, messages[one].len);
		else
			error = keep(&messages[one]);
	}
	mutex_unlock(&keeping);
	return error ? error : count;
}

static u32 can(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm algorithm = { .master_xfer = take, .functionality = can };
static struct i2c_adapter bus = { .owner = THIS_MODULE, .name = "recording", .algo = &algorithm };

static ssize_t tell(struct file *file, char __user *to, size_t count, loff_t *from)
{
	ssize_t told;

	mutex_lock(&keeping);
	told = simple_read_from_buffer(to, count, from, kept, filled);
	mutex_unlock(&keeping);
	return told;
}

static ssize_t empty(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	mutex_lock(&keeping);
	filled = 0;
	mutex_unlock(&keeping);
	return count;
}

static const struct file_operations written = { .owner = THIS_MODULE, .read = tell, .write = empty };

static int __init begin(void)
{
	int error;

	kept = kvmalloc(ROOM, GFP_KERNEL);
	if (!kept)
		return -ENOMEM;
	bus.nr = nr;
	error = i2c_add_numbered_adapter(&bus);
	if (error) {
		kvfree(kept);
		return error;
	}
	folder = debugfs_create_dir("recording_i2c", NULL);
	debugfs_create_file("written", 0600, folder, NULL, &written);
	return 0;
}

static void __exit end(void)
{
	debugfs_remove_recursive(folder);
	i2c_del_adapter(&bus);
	kvfree(kept);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An I2C bus that records what is written to it");
