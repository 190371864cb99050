/* SPDX-License-Identifier: GPL-2.0-only */
/* A test for each class of calls; its includer's drive(class) is what is done. */

TEST(memory)
{
	drive(DK_CLASS_MEMORY);
}
TEST(threads)
{
	drive(DK_CLASS_THREAD);
}
TEST(synchronisation)
{
	drive(DK_CLASS_SYNC);
}
TEST(processes)
{
	drive(DK_CLASS_PROCESS);
}
TEST(streams)
{
	drive(DK_CLASS_STREAM);
}
TEST(others)
{
	drive(DK_CLASS_OTHER);
}
TEST(extensions)
{
	drive(DK_CLASS_EXTENSION);
}
