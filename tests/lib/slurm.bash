# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A cluster of Slurm: the controller and one node, which is the virtual machine. Its
# daemons are the units of Debian's packages.

# shellcheck source=tests/lib/systemd.bash
. "${BASH_SOURCE[0]%/*}/systemd.bash"

CLUSTER_UNITS=(munge slurmctld slurmd)

# Writes the configuration of the cluster, and its units to the folder $1.
write_cluster()
{
	local unit node

	node=$(in_lab hostname -s)
	# Slurm asks for the name of its own address.
	printf '11.0.0.1 %s\n' "$node" | in_lab tee -a /etc/hosts >/dev/null
	cp /lib/systemd/system/dbus.{service,socket} "$1"
	for unit in "${CLUSTER_UNITS[@]}"; do
		cp "/lib/systemd/system/$unit.service" "$1"
	done
	in_lab install -D "${JOBFENCE%/*}/jobfence-slurm.so" /usr/local/libexec/jobfence/jobfence-slurm.so
	in_lab ln -sf "$JOBFENCE" /usr/local/bin/jobfence
	in_lab tee /etc/slurm/slurm.conf >/dev/null <<-END
		ClusterName=lab
		SlurmctldHost=$node(11.0.0.1)
		SlurmUser=slurm
		StateSaveLocation=/var/lib/slurm/slurmctld
		SlurmdSpoolDir=/var/lib/slurm/slurmd
		SlurmctldLogFile=/run/share/slurmctld.log
		SlurmdLogFile=/run/share/slurmd.log
		SlurmctldDebug=verbose
		SlurmdDebug=verbose
		ProctrackType=proctrack/cgroup
		GetEnvTimeout=0
		TaskPlugin=task/cgroup
		MpiDefault=none
		ReturnToService=2
		KillWait=2
		MessageTimeout=30
		SlurmdTimeout=0
		UnkillableStepTimeout=300
		SchedulerParameters=batch_sched_delay=0,sched_interval=1
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core_Memory
		NodeName=$node NodeAddr=11.0.0.1 CPUs=1 RealMemory=1000
		PartitionName=main Nodes=$node Default=YES OverSubscribe=FORCE:8 DefMemPerNode=100
		PartitionName=free Nodes=$node OverSubscribe=FORCE:8 DefMemPerNode=100
	END
	printf 'ConstrainRAMSpace=yes\nConstrainSwapSpace=yes\n' | in_lab tee /etc/slurm/cgroup.conf >/dev/null
	# shellcheck disable=SC2119 # it needs none
	site
}

# Says what plugstack.conf gives the plugin.
# shellcheck disable=SC2120 # tests give it some
site()
{
	in_lab tee /etc/slurm/plugstack.conf >/dev/null <<<"required /usr/local/libexec/jobfence/jobfence-slurm.so $*"
}

cluster_up()
{
	: >/run/share/slurmctld.log
	chmod 666 /run/share/slurmctld.log
	{ systemd_up write_cluster && systemctl start dbus.service "${CLUSTER_UNITS[@]}" && eventually node_is idle; } ||
		{ tail -n 30 /run/share/slurm*.log && false; }
}

cluster_down()
{
	systemctl stop slurmd slurmctld munge
}

# Starts slurmd, which takes no connection yet when systemd says that it has started.
slurmd_start()
{
	systemctl start slurmd
	eventually in_lab bash -c ': >/dev/tcp/11.0.0.1/6818'
}

node_is()
{
	[ "$(in_lab sinfo --noheader --partition main --format %T)" = "$1" ]
}

# Runs a command on slurm.conf, which the daemons then read again.
reconfigure()
{
	in_lab "$@" /etc/slurm/slurm.conf
	in_lab scontrol reconfigure
	eventually node_is idle
}

# Runs a command of Slurm as a user of the cluster.
slurm()
{
	in_lab env -C /srv -u SSL_CERT_FILE -u CURL_CA_BUNDLE \
		setpriv --reuid nobody --regid nogroup --clear-groups "$@"
}
