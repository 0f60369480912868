package cluster

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Facts leave variables and command lines out, and so nobody else can learn the
// secrets in them.

func (c *Client) seePod(p *corev1.Pod) (podInfo, bool) {
	c.secrets.AddPodSpec(&p.Spec)
	return convertPod(p)
}

func (c *Client) seeStatefulSet(s *appsv1.StatefulSet) (workloadInfo, bool) {
	c.secrets.AddPodSpec(&s.Spec.Template.Spec)
	return convertStatefulSet(s)
}

func (c *Client) seeDeployment(d *appsv1.Deployment) (workloadInfo, bool) {
	c.secrets.AddPodSpec(&d.Spec.Template.Spec)
	return convertDeployment(d)
}
